/** Characters by their code points, first and last. */
export type Range = readonly [number, number];

/** Unicode's last code point. */
export const LAST_CODE_POINT = 0x10ffff;

/** All characters that are in none of `ranges`, in order. */
export function complement(ranges: readonly Range[]): readonly Range[] {
  const left: Range[] = [];
  let next = 0;
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (from > next) left.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= LAST_CODE_POINT) left.push([next, LAST_CODE_POINT]);
  return left;
}
