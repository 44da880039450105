import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { Llama, LogLine } from "./bindings.ts";
import { LlamaError } from "./errors.ts";
import type { ModelHandle, VocabHandle } from "./signatures.ts";
import { Vocabulary } from "./vocabulary.ts";

export interface ModelLoadOptions {
  readonly path: string;
  /** Layers to offload to an accelerator; -1 means all that a present accelerator takes, 0 none. */
  readonly gpuLayers?: number;
  /** Fraction loaded, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
  readonly onLog?: (line: LogLine) => void;
}

/** Weights and vocabulary of one GGUF file, in memory. */
export class LlamaModel {
  readonly path: string;
  readonly handle: ModelHandle;
  readonly vocabulary: Vocabulary;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #llama: Llama;

  private constructor(llama: Llama, handle: ModelHandle, path: string) {
    this.#llama = llama;
    this.handle = handle;
    this.path = path;
    this.metadata = readMetadata(llama, handle);
    this.vocabulary = new Vocabulary(
      llama,
      llama.llama_model_get_vocab(handle) as VocabHandle,
      this.metadata.get("tokenizer.ggml.pre"),
    );
  }

  /**
   * Loads a GGUF file; synchronous, minutes for large models, so it belongs in the engine process.
   * @throws LlamaError that says what is wrong with the file and what to try
   */
  static load(llama: Llama, options: ModelLoadOptions): LlamaModel {
    const { path } = options;
    assertGguf(path);
    const errors: string[] = [];
    const onLine = (line: LogLine) => {
      if (line.level === "error") errors.push(line.text);
      options.onLog?.(line);
    };
    const handle = llama.withLog(onLine, () =>
      llama.withProgress(options.onProgress ?? (() => {}), (progressCallback) =>
        llama.llama_model_load_from_file(path, {
          ...llama.llama_model_default_params(),
          n_gpu_layers: options.gpuLayers ?? -1,
          progress_callback: progressCallback,
        }),
      ),
    );
    if (handle === null) throw loadError(path, errors);
    if (!llama.llama_model_has_decoder(handle) || llama.llama_model_has_encoder(handle)) {
      llama.llama_model_free(handle);
      throw new LlamaError(
        "unsupported_architecture",
        `${path} is not a decoder-only model; text generation needs one.`,
      );
    }
    return new LlamaModel(llama, handle, path);
  }

  get architecture(): string {
    return this.metadata.get("general.architecture") ?? "unknown";
  }

  get layers(): number {
    return this.#llama.llama_model_n_layer(this.handle);
  }

  get heads(): number {
    return this.#llama.llama_model_n_head(this.handle);
  }

  get kvHeads(): number {
    return this.#llama.llama_model_n_head_kv(this.handle);
  }

  /** Some layers keep one state per sequence, and not one row per token: a sequence can't be cut anywhere. */
  get keepsState(): boolean {
    return (
      this.#llama.llama_model_is_recurrent(this.handle) || this.#llama.llama_model_is_hybrid(this.handle)
    );
  }

  /** Tokens that sliding layers see; 0 where every layer sees everything. */
  get slidingWindow(): number {
    return this.#llama.llama_model_n_swa(this.handle);
  }

  get hiddenSize(): number {
    return this.#llama.llama_model_n_embd(this.handle);
  }

  /** Tokens the model was trained to attend to. */
  get trainingContext(): number {
    return this.#llama.llama_model_n_ctx_train(this.handle);
  }

  get parameters(): number {
    return Number(this.#llama.llama_model_n_params(this.handle));
  }

  /** Bytes of all tensors. */
  get weightBytes(): number {
    return Number(this.#llama.llama_model_size(this.handle));
  }

  /** Weight format, e.g. `Q8_0`. */
  get quantization(): string {
    return this.#llama
      .llama_ftype_name(this.#llama.llama_model_ftype(this.handle))
      .replace(/^\(guessed\)\s*/, "");
  }

  /** The model's own Jinja chat template, when it has one. */
  get chatTemplate(): string | undefined {
    return this.metadata.get("tokenizer.chat_template");
  }

  /** Its template for conversations with tools, where that is another one. */
  get toolTemplate(): string | undefined {
    return this.metadata.get("tokenizer.chat_template.tool_use");
  }

  /** Why this model can't be served: it reads a text as a whole and has no memory to continue it from. */
  notGenerative(): LlamaError {
    return new LlamaError(
      "unsupported_architecture",
      `${this.path} (${this.architecture}) does not generate text: it has no memory to continue from. ` +
        "An embedding model is served with EMBEDDING_MODEL.",
    );
  }

  /** Elements of one K and of one V row per token, layer and KV head. */
  get headWidths(): { readonly key: number; readonly value: number } {
    const width = (kind: "key" | "value") => {
      const own = Number(this.metadata.get(`${this.architecture}.attention.${kind}_length`));
      return Number.isFinite(own) && own > 0 ? own : this.hiddenSize / this.heads;
    };
    return { key: width("key"), value: width("value") };
  }

  free(): void {
    this.#llama.llama_model_free(this.handle);
  }
}

/** Refuses what is not a GGUF before native code sees it, with a better message than it would give. */
function assertGguf(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new LlamaError("file_not_found", `Model file ${path} does not exist.`);
  if (!stat.isFile()) {
    throw new LlamaError(
      "not_a_file",
      `${path} is a directory, not a model file. Give the path of a .gguf file in it.`,
    );
  }
  const magic = Buffer.alloc(4);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, magic, 0, 4, 0);
  } finally {
    closeSync(descriptor);
  }
  if (magic.toString("latin1") !== "GGUF") {
    throw new LlamaError(
      "not_a_gguf",
      `${path} is not a GGUF file: it does not begin with the bytes "GGUF".`,
    );
  }
}

/** Files that lie beside a model and are none, by the architecture or the kind that their metadata names. */
const companions: ReadonlyArray<readonly [pattern: RegExp, what: string]> = [
  [/CLIP cannot be used as main model/, "a vision projector, and images are not read here"],
  [/unknown model architecture: 'imatrix'/, "an importance matrix"],
  [/unknown model architecture: 'controlvector'/, "a control vector"],
];

function loadError(path: string, errors: readonly string[]): LlamaError {
  const companion = companions.find(([pattern]) => pattern.test(errors.join("\n")))?.[1];
  if (companion !== undefined)
    return new LlamaError(
      "unsupported_architecture",
      `${path} is ${companion}; name a language model's file.`,
    );
  const said = errors.map((line) => line.replace(/^[\w:]+: (error loading model: )?/, "")).join("; ");
  const text = errors.join("\n");
  if (/unknown model architecture/.test(text)) {
    return new LlamaError(
      "unsupported_architecture",
      `${path}: llama.cpp does not know this architecture (${said}).`,
    );
  }
  if (
    /not within the file bounds|corrupted or incomplete|failed to read|unexpectedly reached end of file/.test(
      text,
    )
  ) {
    return new LlamaError("truncated_file", `${path} is truncated or corrupt (${said}). Download it again.`);
  }
  if (/unable to allocate|failed to allocate|out of memory|cannot allocate/i.test(text)) {
    return new LlamaError(
      "out_of_memory",
      `Not enough memory to load ${path} (${said}). Try a smaller quantization.`,
    );
  }
  return new LlamaError("load_failed", `llama.cpp could not load ${path}: ${said || "it gave no reason"}.`);
}

function readMetadata(llama: Llama, handle: ModelHandle): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (let index = 0; index < llama.llama_model_meta_count(handle); index++) {
    const key = readString((buffer) =>
      llama.llama_model_meta_key_by_index(handle, index, buffer, buffer.length),
    );
    const value = readString((buffer) =>
      llama.llama_model_meta_val_str_by_index(handle, index, buffer, buffer.length),
    );
    entries.set(key, value);
  }
  return entries;
}

/** Calls a snprintf-style function, again with more room when it says it needs it. */
function readString(call: (buffer: Buffer) => number): string {
  let buffer = Buffer.alloc(256);
  let length = call(buffer);
  if (length >= buffer.length) {
    buffer = Buffer.alloc(length + 1);
    length = call(buffer);
  }
  return length < 0 ? "" : buffer.toString("utf8", 0, length);
}
