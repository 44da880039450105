/**
 * A small seeded generator, which makes every resampling repeatable: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled
 * linear pseudorandom number generators", 2021), its state filled from the seed by SplitMix32. Period 2^128 - 1.
 */
export class SeededRandom {
  readonly #state: Uint32Array;

  /** `seed` is taken modulo 2^32. */
  constructor(seed: number) {
    let counter = seed >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      counter = (counter + 0x9e3779b9) >>> 0;
      let mixed = counter;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return mixed ^ (mixed >>> 16);
    });
  }

  /** Uniform over the 32-bit unsigned integers. */
  uint32(): number {
    const state = this.#state as unknown as [number, number, number, number];
    const scrambled = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotateLeft(state[3], 11);
    return scrambled;
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  next(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform in 0 … `below` - 1; its bias is under `below` / 2^32. */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
