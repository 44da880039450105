/** Texts from `low` to `high` (excluded) of a sorted list, which are alike in their first `depth` code units. */
export interface TextRange {
  readonly low: number;
  readonly high: number;
  readonly depth: number;
}

/** In the order of their code units, which is what `narrow` relies on. */
export function sortTexts(texts: Iterable<string>): string[] {
  return [...new Set(texts)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

export function wholeList(texts: readonly string[]): TextRange {
  return { low: 0, high: texts.length, depth: 0 };
}

function boundary(
  texts: readonly string[],
  { low, high }: TextRange,
  unit: number,
  depth: number,
  isUpper: boolean,
): number {
  let from = low;
  let to = high;
  while (from < to) {
    const middle = (from + to) >> 1;
    const text = texts[middle] as string;
    const found = text.length > depth ? text.charCodeAt(depth) : -1;
    if (found < unit || (isUpper && found === unit)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The texts that continue with a character. */
export function narrow(texts: readonly string[], range: TextRange, codePoint: number): TextRange {
  let { low, high, depth } = range;
  const character = String.fromCodePoint(codePoint);
  for (let index = 0; index < character.length && low < high; index++) {
    const unit = character.charCodeAt(index);
    const within = { low, high, depth };
    low = boundary(texts, within, unit, depth, false);
    high = boundary(texts, within, unit, depth, true);
    depth++;
  }
  return { low, high, depth };
}

/** Index of the text that ends here, -1 where none does. */
export function endingAt(texts: readonly string[], { low, high, depth }: TextRange): number {
  return low < high && texts[low]?.length === depth ? low : -1;
}

/** Whether a text continues with a character of a range of code points. */
export function goesOnWithin(
  texts: readonly string[],
  { low, high, depth }: TextRange,
  from: number,
  to: number,
): boolean {
  for (let index = low; index < high; ) {
    const text = texts[index] as string;
    const next = text.codePointAt(depth);
    if (next !== undefined && next >= from && next <= to) return true;
    // Past all that go on with the same code unit, or with none.
    const unit = next === undefined ? -1 : text.charCodeAt(depth);
    const isPair = next !== undefined && next > 0xffff;
    index = isPair ? index + 1 : boundary(texts, { low: index, high, depth }, unit, depth, true);
  }
  return false;
}
