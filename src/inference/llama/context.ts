import koffi from "koffi";
import { TokenBatch } from "./batch.ts";
import type { Llama, LogLine } from "./bindings.ts";
import { LlamaError } from "./errors.ts";
import type { LlamaModel } from "./model.ts";
import { readableBytes, savedForm, writeReadable } from "./sequence-state.ts";
import type { ContextHandle, MemoryHandle } from "./signatures.ts";
import { StateCheckpoints } from "./state-checkpoints.ts";
import type { ThreadPoolHandle } from "./thread-pool.ts";

/** `enum ggml_type` of the formats a KV cache can have, with bytes an element and elements that share a scale. */
export const kvCacheTypes = {
  f16: { ggmlType: 1, bytesPerElement: 2, block: 1 },
  q8_0: { ggmlType: 8, bytesPerElement: 34 / 32, block: 32 },
  q4_0: { ggmlType: 2, bytesPerElement: 18 / 32, block: 32 },
} as const;
export type KvCacheType = keyof typeof kvCacheTypes;

/**
 * `separate`: each sequence has a buffer of its own; the fastest for unrelated prompts. `shared`: one buffer, in which
 * a common prefix is stored and read once; the fastest when most of the prompts is common (docs/performance.md).
 */
export type KvLayout = "separate" | "shared";

export interface ContextOptions {
  /** Sequences that hold their KV cache side by side. */
  readonly sequences: number;
  /** Tokens a sequence. */
  readonly contextPerSequence: number;
  /** Tokens one decode may take. */
  readonly batchSize: number;
  /** Rows of one decode that may ask for logits: each costs a vocabulary of floats. */
  readonly maxOutputs: number;
  readonly threads: number;
  /** Processors to place the threads on, one each while all threads are used; none leaves that to the system. */
  readonly cpus: readonly number[];
  readonly kvCacheType: KvCacheType;
  readonly kvLayout: KvLayout;
  readonly onLog?: (line: LogLine) => void;
}

/** llama.cpp allots each sequence whole steps of this many tokens of KV cache. */
export const ALLOTMENT_TOKENS = 256;

/** Tokens of KV cache that a sequence of `context` tokens gets. */
export function allottedTokens(context: number): number {
  return Math.max(1, Math.ceil(context / ALLOTMENT_TOKENS)) * ALLOTMENT_TOKENS;
}

/** LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: without the keys and values that can be cut. */
const PARTIAL_STATE = 1;

/** llama.cpp compares what it allots with the training context, and a shared buffer with that of one sequence. */
const falseAlarm = /n_ctx_seq \(\d+\) > n_ctx_train/;

/** One KV cache with its compute buffers: decode batches, read logits, move and cut sequences. */
export class LlamaContext {
  readonly handle: ContextHandle;
  readonly model: LlamaModel;
  readonly sequences: number;
  readonly contextPerSequence: number;
  readonly maxOutputs: number;
  readonly isOnePass: boolean;
  readonly canCut: boolean;
  readonly isPlain: boolean;
  readonly batch: TokenBatch;
  readonly #llama: Llama;
  readonly #memory: MemoryHandle;
  readonly #threads: number;
  /** For as many threads as there are processors, and for fewer, which the system moves to where there is room. */
  readonly #pool: ThreadPoolHandle;
  readonly #floatingPool: ThreadPoolHandle;
  readonly #checkpoints = new StateCheckpoints();
  /** Grown when needed and kept: fresh memory costs more than the copy into it. */
  #scratch = new Uint8Array(0);
  readonly #logitViews = new Map<bigint, Float32Array>();

  /** @throws LlamaError `out_of_memory` when the KV cache or the compute buffers can't be allocated */
  constructor(llama: Llama, model: LlamaModel, options: ContextOptions) {
    const errors: string[] = [];
    const onLine = (line: LogLine) => {
      if (line.level === "error") errors.push(line.text);
      options.onLog?.(falseAlarm.test(line.text) ? { ...line, level: "debug" } : line);
    };
    const type = kvCacheTypes[options.kvCacheType].ggmlType;
    const handle = llama.withLog(onLine, () =>
      llama.llama_init_from_model(model.handle, {
        ...llama.llama_context_default_params(),
        n_ctx: allottedTokens(options.contextPerSequence) * options.sequences,
        n_seq_max: options.sequences,
        n_batch: options.batchSize,
        n_ubatch: options.batchSize,
        n_outputs_max: options.maxOutputs,
        n_outputs_max_per_seq: 0,
        n_threads: options.threads,
        n_threads_batch: options.threads,
        type_k: type,
        type_v: type,
        kv_unified: options.kvLayout === "shared",
      }),
    );
    if (handle === null) {
      const tokens = allottedTokens(options.contextPerSequence) * options.sequences;
      throw new LlamaError(
        "out_of_memory",
        `llama.cpp could not create a context of ${options.sequences} sequences of ${options.contextPerSequence} tokens ` +
          `(${tokens} in all): ${errors.join("; ")}. Lower MAX_SEQUENCES, CONTEXT_SIZE or KV_CACHE_MEMORY.`,
      );
    }
    const { threads, cpus } = options;
    this.#threads = threads;
    this.#pool = llama.createThreadPool({ threads, cpus, isPlaced: true });
    this.#floatingPool =
      cpus.length > 0 ? llama.createThreadPool({ threads, cpus, isPlaced: false }) : this.#pool;
    llama.llama_attach_threadpool(handle, this.#pool, this.#pool);
    this.#llama = llama;
    this.handle = handle;
    this.model = model;
    this.sequences = options.sequences;
    this.maxOutputs = options.maxOutputs;
    this.isOnePass = options.kvLayout === "shared";
    this.isPlain = !model.keepsState && model.slidingWindow === 0;
    this.canCut = !model.keepsState;
    this.contextPerSequence = options.contextPerSequence;
    this.batch = new TokenBatch(llama.llama_n_batch(handle));
    this.#memory = llama.llama_get_memory(handle) as MemoryHandle;
  }

  /** Runs the model over `batch` and stores its keys and values. @throws LlamaError `decode_failed` */
  decode(): void {
    const status = this.#llama.llama_decode(this.handle, this.batch.struct());
    if (status !== 0) {
      const meaning =
        { 1: "no room in the KV cache", 2: "aborted", [-1]: "invalid batch" }[status] ?? "fatal error";
      throw new LlamaError(
        "decode_failed",
        `llama_decode returned ${status} (${meaning}) for ${this.batch.size} tokens.`,
      );
    }
  }

  /** Logits of a batch row that asked for them; shape [vocabulary]. A view, valid until the next decode. */
  logits(row: number): Float32Array {
    const pointer = this.#llama.llama_get_logits_ith(this.handle, row);
    if (pointer === null) throw new LlamaError("decode_failed", `Batch row ${row} has no logits.`);
    // Rows come back at the same few addresses, and making a view costs as much as reading it.
    let view = this.#logitViews.get(pointer);
    if (view === undefined) {
      if (this.#logitViews.size >= 4 * this.maxOutputs) this.#logitViews.clear();
      view = new Float32Array(koffi.view(pointer, this.model.vocabulary.size * 4));
      this.#logitViews.set(pointer, view);
    }
    return view;
  }

  /** Tokens that `truncate` to `length` would leave. */
  keptBy(sequence: number, length: number): number {
    if (length >= this.length(sequence)) return length;
    if (this.canCut) return this.#holdsWindow(sequence, length) ? length : 0;
    return this.#checkpoints.latest(sequence, length)?.length ?? 0;
  }

  /**
   * Forgets the tokens of `sequence` at positions ≥ `length`; returns how many it holds now. A memory that can't be cut
   * there goes back to the latest state kept before it, or to nothing.
   * @throws LlamaError `decode_failed` where llama.cpp refuses what it should be able to do
   */
  truncate(sequence: number, length: number): number {
    const kept = this.keptBy(sequence, length);
    if (!this.canCut && kept > 0 && kept < this.length(sequence)) this.#goBack(sequence, kept);
    this.#checkpoints.cut(sequence, kept);
    if (!this.#llama.llama_memory_seq_rm(this.#memory, sequence, kept === 0 ? -1 : kept, -1))
      throw new LlamaError(
        "decode_failed",
        `llama.cpp refused to cut sequence ${sequence} to ${kept} tokens.`,
      );
    return kept;
  }

  /**
   * Whether sliding layers still hold what they see from `length` tokens on: llama.cpp gives the place of tokens behind
   * the window to others (llama-kv-cache.cpp, `find_slot`).
   */
  #holdsWindow(sequence: number, length: number): boolean {
    const first = Math.max(0, length - this.model.slidingWindow);
    return (
      this.model.slidingWindow === 0 ||
      length === 0 ||
      this.#llama.llama_memory_seq_pos_min(this.#memory, sequence) <= first
    );
  }

  /** Puts back the state that `sequence` had after `length` tokens; its keys and values are cut by `truncate`. */
  #goBack(sequence: number, length: number): void {
    const state = this.#checkpoints.latest(sequence, length)?.state;
    if (state === undefined) throw new Error(`sequence ${sequence} has no state of ${length} tokens`);
    const { handle } = this;
    const size = state.length;
    const read = this.#llama.llama_state_seq_set_data_ext(handle, state, size, sequence, PARTIAL_STATE);
    if (Number(read) === 0)
      throw new LlamaError("decode_failed", `llama.cpp could not restore the state of sequence ${sequence}.`);
  }

  /** Keeps the state that `sequence` is in; does nothing where the memory can be cut. */
  checkpoint(sequence: number): void {
    if (this.canCut) return;
    const llama = this.#llama;
    const size = Number(llama.llama_state_seq_get_size_ext(this.handle, sequence, PARTIAL_STATE));
    const state = new Uint8Array(size);
    const written = llama.llama_state_seq_get_data_ext(this.handle, state, size, sequence, PARTIAL_STATE);
    if (Number(written) !== size)
      throw new LlamaError("decode_failed", `llama.cpp could not give the state of sequence ${sequence}.`);
    this.#checkpoints.add(sequence, { length: this.length(sequence), state });
  }

  /**
   * Makes `target` hold what `source` holds. With a shared layout this costs next to nothing. Between buffers
   * llama.cpp's own copy takes all that a sequence may hold, and puts it off until the next decode; a state takes what
   * it does hold, now.
   */
  copy(source: number, target: number): void {
    if (!this.isOnePass && this.isPlain) {
      if (!this.#read(target, this.#write(source)))
        throw new LlamaError("decode_failed", `llama.cpp could not copy sequence ${source} to ${target}.`);
      return;
    }
    this.truncate(target, 0);
    this.#llama.llama_memory_seq_cp(this.#memory, source, target, -1, -1);
    this.#checkpoints.copy(source, target);
  }

  /**
   * Keys and values of `sequence`, in a form that any sequence of a context with the same model and cache type reads.
   * Undefined for memories that keep more than those.
   */
  save(sequence: number): Uint8Array | undefined {
    return this.isPlain ? savedForm(this.#write(sequence)) : undefined;
  }

  /** Makes `sequence` hold what was saved. False, and the sequence empty, where that can't be. */
  restore(sequence: number, state: Uint8Array): boolean {
    const streams = this.isOnePass ? 1 : this.sequences;
    const size = readableBytes(state, streams);
    if (this.#scratch.length < size) this.#scratch = new Uint8Array(size);
    writeReadable(state, streams, this.#scratch);
    this.truncate(sequence, 0);
    return this.#read(sequence, this.#scratch.subarray(0, size));
  }

  /** What llama.cpp writes of `sequence`; valid until the next call. */
  #write(sequence: number): Uint8Array {
    const size = Number(this.#llama.llama_state_seq_get_size_ext(this.handle, sequence, 0));
    if (this.#scratch.length < size) this.#scratch = new Uint8Array(size);
    const written = this.#llama.llama_state_seq_get_data_ext(this.handle, this.#scratch, size, sequence, 0);
    return this.#scratch.subarray(0, Number(written));
  }

  /** False, and the sequence empty, where llama.cpp could not read it. */
  #read(sequence: number, written: Uint8Array): boolean {
    const size = written.length;
    const read = this.#llama.llama_state_seq_set_data_ext(this.handle, written, size, sequence, 0);
    const isRead = size > 0 && Number(read) === size;
    if (!isRead) this.truncate(sequence, 0);
    return isRead;
  }

  /** Tokens that `sequence` holds, by llama.cpp's own count. */
  length(sequence: number): number {
    return this.#llama.llama_memory_seq_pos_max(this.#memory, sequence) + 1;
  }

  /** Writes the keys and values of `sequence` to a file. False when that failed, on a full disk for one. */
  saveSequence(sequence: number, tokens: Int32Array, path: string): boolean {
    return (
      Number(this.#llama.llama_state_seq_save_file(this.handle, path, sequence, tokens, tokens.length)) > 0
    );
  }

  /** Reads what `saveSequence` wrote. False, and the sequence empty, unless the file holds just these tokens. */
  restoreSequence(sequence: number, tokens: Int32Array, path: string): boolean {
    const found = new Int32Array(this.contextPerSequence);
    const count = new BigUint64Array(1);
    const bytes = this.#llama.llama_state_seq_load_file(
      this.handle,
      path,
      sequence,
      found,
      found.length,
      count,
    );
    const isSame =
      Number(bytes) > 0 &&
      Number(count[0]) === tokens.length &&
      tokens.every((token, i) => token === found[i]);
    if (!isSame) this.truncate(sequence, 0);
    return isSame;
  }

  /** Threads of the decodes to come, at most those that the context was made with. */
  setThreads(threads: number): void {
    const pool = threads === this.#threads ? this.#pool : this.#floatingPool;
    this.#llama.llama_attach_threadpool(this.handle, pool, pool);
    this.#llama.llama_set_n_threads(this.handle, threads, threads);
  }

  free(): void {
    this.#llama.llama_free(this.handle);
  }
}
