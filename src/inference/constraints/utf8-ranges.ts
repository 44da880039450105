/** Bytes that may occur in each place of a character, first and last included. */
export type ByteSequence = ReadonlyArray<readonly [from: number, to: number]>;

/**
 * UTF-8 of a range of code points, as sequences of ranges of bytes: the range is split where the length changes, then
 * where a byte before the last would change (as in Rust's `utf8-ranges`, after Ken Thompson's grep). Surrogates are
 * not characters.
 */
export function utf8Sequences(from: number, to: number): readonly ByteSequence[] {
  const open: Array<readonly [number, number]> = [[from, to]];
  const sequences: ByteSequence[] = [];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [first, last] = range;
    if (first > last) continue;
    if (first < 0xd800 && last >= 0xd800) open.push([0xe000, last], [first, 0xd7ff]);
    else if (first >= 0xd800 && first <= 0xdfff) open.push([0xe000, last]);
    else {
      const split = splitPoint(first, last);
      if (split === undefined) sequences.push(bytesOf(first, last));
      else open.push([split + 1, last], [first, split]);
    }
  }
  return sequences;
}

/** The last code point of the first part, where a range is not one sequence. */
function splitPoint(first: number, last: number): number | undefined {
  for (const limit of [0x7f, 0x7ff, 0xffff]) if (first <= limit && last > limit) return limit;
  if (last <= 0x7f) return undefined;
  for (let bits = 6; bits <= 18; bits += 6) {
    const mask = 2 ** bits - 1;
    if ((first & ~mask) === (last & ~mask)) continue;
    if ((first & mask) !== 0) return first | mask;
    if ((last & mask) !== mask) return (last & ~mask) - 1;
  }
  return undefined;
}

function bytesOf(first: number, last: number): ByteSequence {
  const low = Buffer.from(String.fromCodePoint(first), "utf8");
  const high = Buffer.from(String.fromCodePoint(last), "utf8");
  return [...low].map((byte, index) => [byte, high[index] as number] as const);
}
