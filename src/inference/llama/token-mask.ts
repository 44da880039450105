/** Adds a token to a mask that has a bit for each token of the vocabulary. */
export function allow(mask: Uint32Array, token: number): void {
  mask[token >> 5] = (mask[token >> 5] as number) | (1 << (token & 31));
}
