import { alternatives, sequence } from "./gbnf.ts";

/** Digits of the largest whole number that is written when nothing bounds it; JavaScript holds it exactly. */
export const LARGEST = 999_999_999_999_999;
const FRACTION = '"." [0-9]{1,15}';
const ZERO_FRACTION = '("." "0"{1,3})?';

export interface Bounds {
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly isMinExcluded: boolean;
  readonly isMaxExcluded: boolean;
}

/** Whole numbers within bounds; undefined when there is none. */
export function integerRange({ min, max, isMinExcluded, isMaxExcluded }: Bounds): string | undefined {
  let low = min === undefined ? -LARGEST : Math.ceil(min);
  let high = max === undefined ? LARGEST : Math.floor(max);
  if (isMinExcluded && low === min) low++;
  if (isMaxExcluded && high === max) high--;
  return wholeNumbers(Math.max(low, -LARGEST), Math.min(high, LARGEST));
}

function wholeNumbers(low: number, high: number): string | undefined {
  if (low > high) return undefined;
  const options: string[] = [];
  if (low < 0) options.push(sequence('"-"', digits(Math.max(1, -high), -low)));
  if (high >= 0) options.push(digits(Math.max(0, low), high));
  return alternatives(options);
}

/**
 * Decimal numbers within whole bounds, without exponent; undefined when there is none. A number is sign, whole part
 * and fraction: away from the bounds the fraction is free, at a bound it is zero, or anything but zero.
 */
export function decimalRange(bounds: Bounds): string | undefined {
  const low = bounds.min ?? -LARGEST;
  const high = bounds.max ?? LARGEST;
  const options = [
    ...(high > 0 || (high === 0 && !bounds.isMaxExcluded)
      ? magnitudes(Math.max(low, 0), low >= 0 && bounds.isMinExcluded, high, bounds.isMaxExcluded)
      : []),
    ...(low < 0
      ? magnitudes(Math.max(-high, 0), high <= 0 && bounds.isMaxExcluded, -low, bounds.isMinExcluded).map(
          (option) => sequence('"-"', option),
        )
      : []),
  ];
  return options.length === 0 ? undefined : alternatives(options);
}

/** Numbers from `low` to `high`, both whole and not negative. */
function magnitudes(low: number, isLowExcluded: boolean, high: number, isHighExcluded: boolean): string[] {
  const options: string[] = [];
  if (low < high) {
    const isFirstFree = !isLowExcluded;
    const from = isFirstFree ? low : low + 1;
    if (from <= high - 1) options.push(sequence(digits(from, high - 1), `(${FRACTION})?`));
    if (!isFirstFree) options.push(sequence(digits(low, low), '"." [0-9]{0,8} [1-9]'));
  }
  const isHighIn = !isHighExcluded && !(low === high && isLowExcluded);
  if (isHighIn && low <= high) options.push(sequence(digits(high, high), ZERO_FRACTION));
  return options;
}

/** Decimal spellings of the whole numbers from `low` to `high`, both ≥ 0. */
function digits(low: number, high: number): string {
  const options: string[] = [];
  const last = String(high).length;
  for (let length = String(low).length; length <= last; length++) {
    const from = length === String(low).length ? String(low) : `1${"0".repeat(length - 1)}`;
    const to = length === last ? String(high) : "9".repeat(length);
    options.push(sameLength(from, to));
  }
  return alternatives(options);
}

/** Digit strings from `low` to `high`, which have the same length. */
function sameLength(low: string, high: string): string {
  if (low === "") return "";
  if (/^0+$/.test(low) && /^9+$/.test(high)) return `[0-9]${low.length > 1 ? `{${low.length}}` : ""}`;
  const [first, rest] = [low.charAt(0), low.slice(1)];
  const [last, end] = [high.charAt(0), high.slice(1)];
  if (first === last) return sequence(`"${first}"`, sameLength(rest, end));
  const options: string[] = [];
  let from = Number(first);
  let to = Number(last);
  if (/[^0]/.test(rest)) {
    options.push(sequence(`"${first}"`, sameLength(rest, "9".repeat(rest.length))));
    from++;
  }
  if (/[^9]/.test(end)) {
    options.push(sequence(`"${last}"`, sameLength("0".repeat(end.length), end)));
    to--;
  }
  if (from <= to) {
    const anyDigits = rest.length === 0 ? "" : `[0-9]{${rest.length}}`;
    options.push(sequence(from === to ? `"${from}"` : `[${from}-${to}]`, anyDigits));
  }
  return alternatives(options);
}
