import koffi from "koffi";
import type { CommonBeginning, KvLayout } from "../kv-layout.ts";
import { TokenBatch } from "./batch.ts";
import type { Llama } from "./bindings.ts";
import { createContext, createContextBeside } from "./context-handle.ts";
import type { ContextOptions } from "./context-options.ts";
import { LlamaError } from "./errors.ts";
import type { LlamaModel } from "./model.ts";
import { convertInPlace, readableBytes, savedForm, WORD, writeReadable } from "./sequence-state.ts";
import type { ContextHandle, MemoryHandle } from "./signatures.ts";
import { StateCheckpoints } from "./state-checkpoints.ts";
import type { ThreadPoolHandle } from "./thread-pool.ts";

/** LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: without the keys and values that can be cut. */
const PARTIAL_STATE = 1;

/** One KV cache with its compute buffers: decode batches, read logits, move and cut sequences. */
export class LlamaContext {
  readonly model: LlamaModel;
  readonly sequences: number;
  readonly contextPerSequence: number;
  readonly maxOutputs: number;
  readonly canCut: boolean;
  readonly isPlain: boolean;
  readonly batch: TokenBatch;
  readonly #llama: Llama;
  readonly #options: ContextOptions;
  #handle: ContextHandle;
  #layout: KvLayout;
  /** One of another layout, which waits to take this one's place. */
  #next: { readonly layout: KvLayout; readonly handle: ContextHandle } | undefined;
  #memory: MemoryHandle;
  /** Of the decodes to come. */
  #threads: number;
  /** For as many threads as there are processors, and for fewer, which the system moves to where there is room. */
  readonly #pool: ThreadPoolHandle;
  readonly #floatingPool: ThreadPoolHandle;
  readonly #checkpoints = new StateCheckpoints();
  /** Grown when needed and kept: fresh memory costs more than the copy into it. */
  #scratch = new Uint8Array(0);
  readonly #logitViews = new Map<bigint, Float32Array>();

  /** @throws LlamaError `out_of_memory` when the KV cache or the compute buffers can't be allocated */
  constructor(llama: Llama, model: LlamaModel, options: ContextOptions) {
    const { threads, cpus } = options;
    this.#options = options;
    this.#threads = threads;
    this.#layout = options.kvLayout;
    this.#handle = createContext(llama, model, options);
    this.#pool = llama.createThreadPool({ threads, cpus, isPlaced: true });
    this.#floatingPool =
      cpus.length > 0 ? llama.createThreadPool({ threads, cpus, isPlaced: false }) : this.#pool;
    this.#llama = llama;
    this.model = model;
    this.sequences = options.sequences;
    this.maxOutputs = options.maxOutputs;
    this.isPlain = !model.keepsState && model.slidingWindow === 0;
    this.canCut = !model.keepsState;
    this.contextPerSequence = options.contextPerSequence;
    this.batch = new TokenBatch(llama.llama_n_batch(this.#handle));
    this.#memory = llama.llama_get_memory(this.#handle) as MemoryHandle;
    this.setThreads(threads);
  }

  get handle(): ContextHandle {
    return this.#handle;
  }

  get layout(): KvLayout {
    return this.#layout;
  }

  get isOnePass(): boolean {
    return this.#layout === "shared";
  }

  /**
   * Makes a context of another layout beside this one, on another thread; `changeLayout` may be called when it is there.
   * @throws LlamaError `out_of_memory`
   */
  async prepareLayout(layout: KvLayout): Promise<void> {
    this.#next = {
      layout,
      handle: await createContextBeside(this.#llama, this.model, this.#options, layout),
    };
  }

  /**
   * Continues in the prepared context, where its sequences hold what they held; a shared buffer has only once what is
   * `common`. Not for memories that can't be saved, nor for a context with an adapter.
   * @throws LlamaError `decode_failed`: the sequences are lost
   */
  changeLayout(common: ReadonlyMap<number, CommonBeginning>): void {
    const next = this.#next;
    if (next === undefined) throw new Error("no other layout is prepared");
    const held = Array.from({ length: this.sequences }, (_, sequence) => sequence).filter(
      (sequence) => this.length(sequence) > 0,
    );
    const before = this.#handle;
    const memory = this.#llama.llama_get_memory(next.handle) as MemoryHandle;
    const streams = next.layout === "shared" ? 1 : this.sequences;
    for (const sequence of held) {
      const { length } = this.#write(sequence, WORD * streams);
      const state = convertInPlace(this.#scratch, length, streams);
      const isMoved =
        state !== undefined &&
        Number(this.#llama.llama_state_seq_set_data_ext(next.handle, state, state.length, sequence, 0)) > 0;
      if (!isMoved)
        throw new LlamaError(
          "decode_failed",
          `llama.cpp could not move sequence ${sequence} to another layout.`,
        );
      const beginning = next.layout === "shared" ? common.get(sequence) : undefined;
      if (beginning === undefined) continue;
      if (!this.#llama.llama_memory_seq_rm(memory, sequence, 0, beginning.length))
        throw new LlamaError(
          "decode_failed",
          `llama.cpp could not share the beginning of sequence ${sequence}.`,
        );
      this.#llama.llama_memory_seq_cp(memory, beginning.source, sequence, 0, beginning.length);
    }
    this.#next = undefined;
    this.#logitViews.clear();
    this.#handle = next.handle;
    this.#layout = next.layout;
    this.#memory = memory;
    this.setThreads(this.#threads);
    this.#llama.llama_free(before);
  }

  /** Runs the model over `batch` and stores its keys and values. @throws LlamaError `decode_failed` */
  decode(): void {
    const status = this.#llama.llama_decode(this.#handle, this.batch.struct());
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
    const pointer = this.#llama.llama_get_logits_ith(this.#handle, row);
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
    const handle = this.#handle;
    const size = state.length;
    const read = this.#llama.llama_state_seq_set_data_ext(handle, state, size, sequence, PARTIAL_STATE);
    if (Number(read) === 0)
      throw new LlamaError("decode_failed", `llama.cpp could not restore the state of sequence ${sequence}.`);
  }

  /** Keeps the state that `sequence` is in; does nothing where the memory can be cut. */
  checkpoint(sequence: number): void {
    if (this.canCut) return;
    const llama = this.#llama;
    const size = Number(llama.llama_state_seq_get_size_ext(this.#handle, sequence, PARTIAL_STATE));
    const state = new Uint8Array(size);
    const written = llama.llama_state_seq_get_data_ext(this.#handle, state, size, sequence, PARTIAL_STATE);
    if (Number(written) !== size)
      throw new LlamaError("decode_failed", `llama.cpp could not give the state of sequence ${sequence}.`);
    this.#checkpoints.add(sequence, { length: this.length(sequence), state });
  }

  /**
   * Makes `target` hold what `source` holds. With a shared layout this costs next to nothing. Between buffers
   * llama.cpp's own copy takes all that a sequence may hold, and puts it off until the next decode; a state takes what
   * it does hold, now; of a sequence that holds nothing it is empty, and reading it would leave the target as it is.
   */
  copy(source: number, target: number): void {
    if (this.length(source) === 0) {
      this.truncate(target, 0);
      return;
    }
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
   * Keys and values of `sequence`, in a form that any sequence of a context with the same model and cache type reads, in
   * what `room` gives for a number of bytes. Undefined for memories that keep more than those, and for an empty sequence.
   */
  save(sequence: number, room: (bytes: number) => Uint8Array): Uint8Array | undefined {
    if (!this.isPlain || this.length(sequence) === 0) return undefined;
    const state = room(this.#stateSize(sequence));
    return savedForm(state.subarray(0, this.#writeTo(state, sequence)));
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

  /** What llama.cpp writes of `sequence`, at the beginning of the scratch, with `room` bytes after it; valid until the next call. */
  #write(sequence: number, room = 0): Uint8Array {
    const size = this.#stateSize(sequence);
    if (this.#scratch.length < size + room) this.#scratch = new Uint8Array(size + room);
    return this.#scratch.subarray(0, this.#writeTo(this.#scratch.subarray(0, size), sequence));
  }

  #stateSize(sequence: number): number {
    return Number(this.#llama.llama_state_seq_get_size_ext(this.#handle, sequence, 0));
  }

  /** Returns the bytes written. */
  #writeTo(target: Uint8Array, sequence: number): number {
    return Number(this.#llama.llama_state_seq_get_data_ext(this.#handle, target, target.length, sequence, 0));
  }

  /** False, and the sequence empty, where llama.cpp could not read it. */
  #read(sequence: number, written: Uint8Array): boolean {
    const size = written.length;
    const read = this.#llama.llama_state_seq_set_data_ext(this.#handle, written, size, sequence, 0);
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
      Number(this.#llama.llama_state_seq_save_file(this.#handle, path, sequence, tokens, tokens.length)) > 0
    );
  }

  /** Reads what `saveSequence` wrote. False, and the sequence empty, unless the file holds just these tokens. */
  restoreSequence(sequence: number, tokens: Int32Array, path: string): boolean {
    const found = new Int32Array(this.contextPerSequence);
    const count = new BigUint64Array(1);
    const bytes = this.#llama.llama_state_seq_load_file(
      this.#handle,
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
    this.#threads = threads;
    const pool = threads === this.#options.threads ? this.#pool : this.#floatingPool;
    this.#llama.llama_attach_threadpool(this.#handle, pool, pool);
    this.#llama.llama_set_n_threads(this.#handle, threads, threads);
  }

  free(): void {
    if (this.#next !== undefined) this.#llama.llama_free(this.#next.handle);
    this.#llama.llama_free(this.#handle);
  }
}
