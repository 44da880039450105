/**
 * llama.cpp computes rows of several sequences in one pass over the weights only where the sequences' numbers follow one
 * another and each has as many rows as the others (llama-batch.cpp, `split_equal`); every further pass reads all weights
 * again. That holds for a layout with a buffer for each sequence; with one shared buffer a decode is one pass.
 */

/** Rows of one sequence in a decode. */
export interface SequenceRows {
  readonly kvSequence: number;
  readonly rows: number;
}

/** Stretches of neighbouring numbers among `sequences`. */
export function runs(sequences: readonly number[]): number {
  const sorted = sequences.toSorted((a, b) => a - b);
  return sorted.filter((sequence, index) => index === 0 || sequence > (sorted[index - 1] as number) + 1)
    .length;
}

/** Passes over the weights that a decode of these rows takes. */
export function passes(decode: readonly SequenceRows[]): number {
  let left = decode.filter(({ rows }) => rows > 0).toSorted((a, b) => a.kvSequence - b.kvSequence);
  let count = 0;
  while (left.length > 0) {
    const gap = left.findIndex(
      ({ kvSequence }, index) => index > 0 && kvSequence !== (left[index - 1]?.kvSequence ?? 0) + 1,
    );
    const width = gap < 0 ? left.length : gap;
    const taken = Math.min(...left.slice(0, width).map(({ rows }) => rows));
    left = left
      .map((entry, index) => (index < width ? { ...entry, rows: entry.rows - taken } : entry))
      .filter(({ rows }) => rows > 0);
    count++;
  }
  return count;
}

/**
 * Sequences that lie between those of a decode and get a row each, which lets their neighbours share a pass: those of gaps
 * of at most `longest` in which every one `canBridge`.
 */
export function bridges(
  sequences: readonly number[],
  longest: number,
  canBridge: (sequence: number) => boolean,
): number[] {
  const sorted = sequences.toSorted((a, b) => a - b);
  return sorted.flatMap((sequence, index) => {
    const next = sorted[index + 1] ?? sequence + 1;
    const between = Array.from({ length: next - sequence - 1 }, (_, offset) => sequence + 1 + offset);
    return between.length <= longest && between.every(canBridge) ? between : [];
  });
}

/** `count` sequences next to those from `first` to `last`, above before below; none where so many can't take a row. */
export function neighbours(
  first: number,
  last: number,
  count: number,
  canTakeRow: (sequence: number) => boolean,
): number[] {
  const found: number[] = [];
  for (let next = last + 1; found.length < count && canTakeRow(next); next++) found.push(next);
  for (let next = first - 1; found.length < count && canTakeRow(next); next--) found.push(next);
  return found.length < count ? [] : found;
}
