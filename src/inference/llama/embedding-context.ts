import koffi from "koffi";
import { TokenBatch } from "./batch.ts";
import type { Llama, LogLine } from "./bindings.ts";
import { LlamaError } from "./errors.ts";
import type { LlamaModel } from "./model.ts";
import type { ContextHandle, MemoryHandle } from "./signatures.ts";

/** `enum llama_pooling_type`: how the vectors of a text's tokens become one. */
const poolings = ["none", "mean", "cls", "last", "rank"] as const;
export type Pooling = (typeof poolings)[number];

export interface EmbeddingContextOptions {
  /** Texts that one call may take. */
  readonly sequences: number;
  /** Tokens that one call may take, all texts together. */
  readonly batchSize: number;
  readonly threads: number;
  readonly onLog?: (line: LogLine) => void;
}

/** Compute buffers for embedding: texts in, one vector each out; nothing is kept between calls. */
export class EmbeddingContext {
  readonly pooling: Pooling;
  /** Elements of a vector; of a ranking model, outputs of its head. */
  readonly dimensions: number;
  readonly #llama: Llama;
  readonly #handle: ContextHandle;
  readonly #batch: TokenBatch;
  /** Undefined for an encoder; a decoder's keys and values live there for one call. */
  readonly #memory: MemoryHandle | undefined;

  /** Pools as the model's metadata say. @throws LlamaError `out_of_memory` when the buffers can't be allocated */
  constructor(llama: Llama, model: LlamaModel, options: EmbeddingContextOptions) {
    const errors: string[] = [];
    const onLine = (line: LogLine) => {
      if (line.level === "error") errors.push(line.text);
      options.onLog?.(line);
    };
    const handle = llama.withLog(onLine, () =>
      llama.llama_init_from_model(model.handle, {
        ...llama.llama_context_default_params(),
        n_ctx: options.batchSize,
        n_batch: options.batchSize,
        // Attention that looks both ways can't be computed in pieces.
        n_ubatch: options.batchSize,
        n_seq_max: options.sequences,
        n_outputs_max_per_seq: 0,
        n_threads: options.threads,
        n_threads_batch: options.threads,
        embeddings: true,
        // Each text may then be as long as the batch.
        kv_unified: true,
      }),
    );
    if (handle === null) {
      throw new LlamaError(
        "out_of_memory",
        `llama.cpp could not create a context for batches of ${options.batchSize} tokens: ${errors.join("; ")}.`,
      );
    }
    this.#llama = llama;
    this.#handle = handle;
    this.#batch = new TokenBatch(options.batchSize);
    this.#memory = llama.llama_get_memory(handle) ?? undefined;
    this.pooling = poolings[llama.llama_pooling_type(handle)] ?? "none";
    this.dimensions =
      this.pooling === "rank"
        ? llama.llama_model_n_cls_out(model.handle)
        : llama.llama_model_n_embd_out(model.handle);
  }

  /** A vector a text, as the model makes it. @throws LlamaError `decode_failed` */
  embed(texts: readonly Int32Array[]): Float32Array[] {
    const batch = this.#batch;
    batch.clear();
    for (const [sequence, tokens] of texts.entries())
      for (const [position, token] of tokens.entries()) batch.add(token, position, sequence, true);
    const status =
      this.#memory === undefined
        ? this.#llama.llama_encode(this.#handle, batch.struct())
        : this.#llama.llama_decode(this.#handle, batch.struct());
    if (status !== 0)
      throw new LlamaError("decode_failed", `Embedding ${batch.size} tokens failed with status ${status}.`);
    const vectors = texts.map((_, sequence) => this.#vector(sequence));
    if (this.#memory !== undefined) this.#llama.llama_memory_clear(this.#memory, false);
    return vectors;
  }

  setThreads(threads: number): void {
    this.#llama.llama_set_n_threads(this.#handle, threads, threads);
  }

  /** A copy: the next call overwrites what llama.cpp returns. */
  #vector(sequence: number): Float32Array {
    const pointer = this.#llama.llama_get_embeddings_seq(this.#handle, sequence);
    if (pointer === null) throw new LlamaError("decode_failed", `Text ${sequence} has no embedding.`);
    return new Float32Array(koffi.view(pointer, this.dimensions * 4)).slice();
  }
}
