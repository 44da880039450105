import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { InvalidRequestError } from "../../errors.ts";
import type { Llama, LogLine } from "../llama/bindings.ts";
import { EmbeddingContext, type Pooling } from "../llama/embedding-context.ts";
import { LlamaError } from "../llama/errors.ts";
import { LlamaModel } from "../llama/model.ts";
import type { Vocabulary } from "../llama/vocabulary.ts";
import { availableMemory } from "../machine/memory.ts";
import { assertWeightsFit } from "../process/memory-fit.ts";
import type { EmbeddingNetwork } from "./network.ts";
import type { GgufNetworkOptions } from "./protocol.ts";

/** Longest text unless the configuration says otherwise: the buffers of attention grow with its square. */
const MAX_AUTOMATIC_TOKENS = 2048;
/** Tokens a call, at least: enough for the kernels to be efficient. */
const MIN_BATCH_TOKENS = 512;
const MAX_BATCH_TEXTS = 64;
/** Bytes read at a time when the file is hashed. */
const HASH_CHUNK_BYTES = 4 * 2 ** 20;

/** An embedding or ranking model of a GGUF file, run by llama.cpp. */
export class GgufNetwork implements EmbeddingNetwork {
  readonly dimensions: number;
  readonly maxTokens: number;
  readonly batchTokens: number;
  readonly batchTexts = MAX_BATCH_TEXTS;
  readonly space: string;
  readonly #context: EmbeddingContext;
  readonly #vocabulary: Vocabulary;

  /** @throws LlamaError that says why the file can't do what it is for */
  constructor(
    llama: Llama,
    options: GgufNetworkOptions & { readonly threads: number },
    onProgress: (fraction: number) => void,
    onLog: (line: LogLine) => void,
  ) {
    const { path, gpuLayers, threads, task, contextSize } = options;
    if (!llama.llama_supports_gpu_offload())
      assertWeightsFit(statSync(path, { throwIfNoEntry: false })?.size ?? 0, availableMemory());
    const model = LlamaModel.load(llama, { path, gpuLayers, onProgress, onLog });
    if (contextSize > model.trainingContext) {
      throw new LlamaError(
        "load_failed",
        `EMBEDDING_CONTEXT_SIZE=${contextSize} is more than the ${model.trainingContext} tokens that ${path} was trained for.`,
      );
    }
    this.maxTokens = contextSize || Math.min(model.trainingContext, MAX_AUTOMATIC_TOKENS);
    this.batchTokens = Math.max(this.maxTokens, MIN_BATCH_TOKENS);
    this.#vocabulary = model.vocabulary;
    this.#context = new EmbeddingContext(llama, model, {
      sequences: this.batchTexts,
      batchSize: this.batchTokens,
      threads,
      onLog,
    });
    const { pooling } = this.#context;
    assertTask(path, pooling, task);
    this.dimensions = this.#context.dimensions;
    this.space = `gguf/${hashOf(path)}/${pooling}`;
  }

  tokenize(text: string): Int32Array {
    return this.#vocabulary.tokenize(text, { addSpecial: true, parseSpecial: false });
  }

  /** Word pieces make one token of any word that they don't know; every other tokenizer keeps all bytes. */
  atLeast(text: string): number {
    if (this.#vocabulary.isWordPiece) return 0;
    return Math.ceil(Buffer.byteLength(text) / this.#vocabulary.longestPiece);
  }

  /**
   * A question and a text, as cross-encoders are trained to read them: `[CLS] a [SEP] b [SEP]` for BERT,
   * `<s> a </s></s> b </s>` for RoBERTa.
   */
  tokenizePair(query: string, document: string): Int32Array {
    const { bos, eos, separator, addsBos, addsEos, addsSeparator, isWordPiece } = this.#vocabulary;
    const plain = { addSpecial: false, parseSpecial: false };
    const end = isWordPiece || addsEos ? [eos ?? separator] : [];
    const between = isWordPiece ? end : [...end, ...(addsSeparator ? [separator] : [])];
    const marks = (tokens: ReadonlyArray<number | undefined>) =>
      tokens.filter((token) => token !== undefined);
    return Int32Array.from([
      ...marks(addsBos ? [bos] : []),
      ...this.#vocabulary.tokenize(query, plain),
      ...marks(between),
      ...this.#vocabulary.tokenize(document, plain),
      ...marks(end),
    ]);
  }

  detokenize(tokens: readonly number[]): string {
    if (this.#vocabulary.isWordPiece) {
      throw new InvalidRequestError(
        "This model's tokenizer can't turn tokens back into the text they came from. Send text.",
      );
    }
    const unknown = tokens.find((token) => token < 0 || token >= this.#vocabulary.size);
    if (unknown !== undefined) {
      throw new InvalidRequestError(
        `Token ${unknown} is not in this model's vocabulary of ${this.#vocabulary.size}: tokens of another model's tokenizer mean something else here. Send text.`,
      );
    }
    return Buffer.concat(tokens.map((token) => this.#vocabulary.piece(token))).toString("utf8");
  }

  encode(texts: readonly Int32Array[]): Float32Array[] {
    return this.#context.embed(texts);
  }

  setThreads(threads: number): void {
    this.#context.setThreads(threads);
  }
}

/** @throws LlamaError that says what the file is instead */
function assertTask(path: string, pooling: Pooling, task: GgufNetworkOptions["task"]): void {
  if (task === "rank" && pooling !== "rank") {
    throw new LlamaError(
      "unsupported_architecture",
      `${path} is not a reranker: its metadata ask for ${pooling} pooling. RERANK_MODEL needs a cross-encoder with pooling_type 4.`,
    );
  }
  if (task === "embed" && pooling === "rank") {
    throw new LlamaError(
      "unsupported_architecture",
      `${path} is a reranker and makes no embeddings; name it in RERANK_MODEL.`,
    );
  }
  if (task === "embed" && pooling === "none") {
    throw new LlamaError(
      "unsupported_architecture",
      `${path} is not an embedding model: its metadata name no pooling (mean, CLS or last), so its tokens' vectors can't be made one.`,
    );
  }
}

/** The file's own content: vectors of two files are never taken for each other's, whatever the files are called. */
function hashOf(path: string): string {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(HASH_CHUNK_BYTES);
  const descriptor = openSync(path, "r");
  try {
    for (let read = readSync(descriptor, chunk); read > 0; read = readSync(descriptor, chunk))
      hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(descriptor);
  }
  return hash.digest("hex").slice(0, 16);
}
