import koffi from "koffi";

/**
 * A `llama_token_data_array` with room for the whole vocabulary, in native memory and viewed from here, for samplers
 * that are applied by hand. One serves every sequence of a context, since sampling is one sequence after another.
 */
export class Candidates {
  /** Address of the `llama_token_data_array`. */
  readonly address: bigint;
  /** Rows of { id: int32, logit: float, p: float }. */
  readonly #ids: Int32Array;
  readonly #floats: Float32Array;
  readonly #dataAddress: bigint;
  /** { data: pointer, size: size_t, selected: int64, sorted: bool } */
  readonly #header: BigInt64Array;

  constructor(vocabularySize: number) {
    const data: unknown = koffi.alloc("int32", vocabularySize * 3);
    const memory = koffi.view(data, vocabularySize * 12);
    this.#ids = new Int32Array(memory);
    this.#floats = new Float32Array(memory);
    this.#dataAddress = koffi.address(data);
    const header: unknown = koffi.alloc("int64", 4);
    this.#header = new BigInt64Array(koffi.view(header, 32));
    this.address = koffi.address(header);
  }

  /** Fills the array with every token and its logit. */
  fill(logits: Float32Array): void {
    for (let token = 0, row = 0; token < logits.length; token++, row += 3) {
      this.#ids[row] = token;
      this.#floats[row + 1] = logits[token] as number;
      this.#floats[row + 2] = 0;
    }
    this.#reset(logits.length);
  }

  /** Makes a token of those that `fill` put in one that is never drawn. */
  forbid(token: number): void {
    this.#floats[token * 3 + 1] = Number.NEGATIVE_INFINITY;
  }

  /** Forbids every token whose bit is not set. */
  forbidUnset(mask: Uint32Array): void {
    const floats = this.#floats;
    for (let word = 0; word < mask.length; word++) {
      const bits = mask[word] as number;
      if (bits === 0xffffffff) continue;
      const first = word << 5;
      const end = Math.min(first + 32, floats.length / 3);
      for (let token = first; token < end; token++)
        if ((bits & (1 << (token & 31))) === 0) floats[token * 3 + 1] = Number.NEGATIVE_INFINITY;
    }
  }

  /** Whether the token that the last selecting sampler chose is one that was forbidden. */
  get isForbiddenSelected(): boolean {
    const index = Number(this.#header[2]);
    return index >= 0 && this.#floats[index * 3 + 1] === Number.NEGATIVE_INFINITY;
  }

  /** Token that the last selecting sampler chose, undefined when it chose none. */
  get selected(): number | undefined {
    const index = Number(this.#header[2]);
    return index < 0 ? undefined : this.#ids[index * 3];
  }

  /** What samplers have left; a token that was forbidden has a logit of minus infinity. Copies. */
  left(): { readonly tokens: Int32Array; readonly logits: Float32Array } {
    const size = Number(this.#header[1]);
    const memory = koffi.view(this.#header[0] as bigint, size * 12);
    const ids = new Int32Array(memory);
    const floats = new Float32Array(memory);
    return {
      tokens: Int32Array.from({ length: size }, (_, row) => ids[row * 3] as number),
      logits: Float32Array.from({ length: size }, (_, row) => floats[row * 3 + 1] as number),
    };
  }

  #reset(size: number): void {
    // Samplers may move `data` (it is theirs to sort in place or replace), so it is set anew each time.
    this.#header[0] = this.#dataAddress;
    this.#header[1] = BigInt(size);
    this.#header[2] = -1n;
    this.#header[3] = 0n;
  }
}
