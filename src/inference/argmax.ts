/**
 * Index of the largest value, the first of equals, as in llama.cpp's greedy sampler. Eight at a time: a new largest one is
 * rare, and one test passes over most of them.
 */
export function argmax(logits: Float32Array): number {
  const at = (index: number) => logits[index] as number;
  const { length } = logits;
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  const consider = (from: number, to: number) => {
    for (let index = from; index < to; index++) {
      if (at(index) > largest) {
        largest = at(index);
        best = index;
      }
    }
  };
  let index = 0;
  for (; index + 8 <= length; index += 8) {
    if (
      at(index) > largest ||
      at(index + 1) > largest ||
      at(index + 2) > largest ||
      at(index + 3) > largest ||
      at(index + 4) > largest ||
      at(index + 5) > largest ||
      at(index + 6) > largest ||
      at(index + 7) > largest
    ) {
      consider(index, index + 8);
    }
  }
  consider(index, length);
  return best;
}
