import koffi from "koffi";
import type { BatchStruct } from "./signatures.ts";

/**
 * The native arrays of a `llama_batch`, written through typed arrays that view them: filling a batch crosses no FFI
 * boundary. One row per token: id, position, sequence, and whether its logits are wanted.
 */
export class TokenBatch {
  readonly capacity: number;
  #size = 0;
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #sequences: Int32Array;
  readonly #outputs: Int8Array;
  readonly #struct: BatchStruct;

  constructor(capacity: number) {
    this.capacity = capacity;
    const tokens = allocate("int32", capacity, 4);
    const positions = allocate("int32", capacity, 4);
    const counts = allocate("int32", capacity, 4);
    const sequences = allocate("int32", capacity, 4);
    const pointers = allocate("uint64", capacity, 8);
    const outputs = allocate("int8", capacity, 1);
    this.#tokens = new Int32Array(tokens.memory);
    this.#positions = new Int32Array(positions.memory);
    this.#sequences = new Int32Array(sequences.memory);
    this.#outputs = new Int8Array(outputs.memory);
    new Int32Array(counts.memory).fill(1);
    // seq_id is an array of pointers to each token's list of sequences; every list here has one entry.
    const sequencePointers = new BigUint64Array(pointers.memory);
    for (let row = 0; row < capacity; row++) sequencePointers[row] = sequences.address + BigInt(row * 4);
    this.#struct = {
      n_tokens: 0,
      token: tokens.address,
      embd: null,
      pos: positions.address,
      n_seq_id: counts.address,
      seq_id: pointers.address,
      logits: outputs.address,
    };
  }

  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#size = 0;
  }

  /** Adds one token and returns its row, which names its logits after the decode. */
  add(token: number, position: number, sequence: number, wantsLogits: boolean): number {
    const row = this.#size++;
    if (row >= this.capacity) throw new RangeError(`batch of ${this.capacity} tokens is full`);
    this.#tokens[row] = token;
    this.#positions[row] = position;
    this.#sequences[row] = sequence;
    this.#outputs[row] = wantsLogits ? 1 : 0;
    return row;
  }

  /** The struct to pass by value, valid until the next `add` or `clear`. */
  struct(): BatchStruct {
    this.#struct.n_tokens = this.#size;
    return this.#struct;
  }
}

/** Lives as long as the process: a context's batch is allocated once. */
function allocate(type: string, count: number, bytes: number): { address: bigint; memory: ArrayBuffer } {
  const pointer: unknown = koffi.alloc(type, count);
  return { address: koffi.address(pointer), memory: koffi.view(pointer, count * bytes) };
}
