import { ceilDivide, compare, type Decimal, isMultiple, parseDecimal, scaledTo } from "./decimal.ts";
import type { NumberShape } from "./json-program.ts";

/** Digits that are written at most: what a double needs, written without an exponent. No number goes on for ever. */
const MAX_WHOLE_DIGITS = 21;
export const MAX_FRACTION_DIGITS = 25;

/** How far a JSON number has come; `digits` counts those of its present part. */
export interface NumberPosition {
  readonly part: "minus" | "zero" | "whole" | "point" | "fraction" | "e" | "sign" | "exponent";
  readonly digits: number;
}

const DOT = 0x2e;
const MINUS = 0x2d;

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** The position behind one more byte; undefined where no JSON number goes on so. */
export function readNumber(at: NumberPosition | undefined, byte: number): NumberPosition | undefined {
  if (at === undefined) {
    if (byte === MINUS) return { part: "minus", digits: 0 };
    return isDigit(byte) ? { part: byte === 0x30 ? "zero" : "whole", digits: 1 } : undefined;
  }
  const { part, digits } = at;
  const more = (limit: number) => (digits < limit ? { part, digits: digits + 1 } : undefined);
  if (isDigit(byte)) {
    switch (part) {
      case "minus":
        return { part: byte === 0x30 ? "zero" : "whole", digits: 1 };
      case "zero":
        return undefined;
      case "whole":
        return more(MAX_WHOLE_DIGITS);
      case "point":
        return { part: "fraction", digits: 1 };
      case "fraction":
        return more(MAX_FRACTION_DIGITS);
      case "e":
      case "sign":
        return { part: "exponent", digits: 1 };
      case "exponent":
        return more(2);
    }
  }
  if (byte === DOT) return part === "zero" || part === "whole" ? { part: "point", digits: 0 } : undefined;
  if (byte === 0x65 || byte === 0x45)
    return part === "zero" || part === "whole" || part === "fraction" ? { part: "e", digits: 0 } : undefined;
  if (byte === MINUS || byte === 0x2b) return part === "e" ? { part: "sign", digits: 0 } : undefined;
  return undefined;
}

/** Whether a number may end here. */
export function isWhole({ part }: NumberPosition): boolean {
  return part === "zero" || part === "whole" || part === "fraction" || part === "exponent";
}

/** Only the form of the text decides, not its value. */
export function isPlain(shape: NumberShape): boolean {
  return (
    shape.min === undefined &&
    shape.max === undefined &&
    shape.not === undefined &&
    shape.texts === undefined &&
    shape.isFractional !== true &&
    (shape.multipleOf === undefined || shape.multipleOf === "1")
  );
}

/** Digits that a part of a number may still have, where their number alone decides: at least and at most so many. */
export interface DigitRoom {
  readonly least: number;
  readonly most: number;
}

/** A number's conditions with their decimals read. */
export class NumberRule {
  readonly #shape: NumberShape;
  readonly #min: Decimal | undefined;
  readonly #max: Decimal | undefined;
  readonly #step: Decimal | undefined;
  readonly #not: readonly Decimal[];
  readonly #isForWriting: boolean;
  readonly isPlain: boolean;

  /** `isForWriting`: what bounds are asked of has no exponent. */
  constructor(shape: NumberShape, isForWriting = false) {
    this.#shape = shape;
    this.#isForWriting = isForWriting;
    this.#min = shape.min === undefined ? undefined : parseDecimal(shape.min);
    this.#max = shape.max === undefined ? undefined : parseDecimal(shape.max);
    this.#step = shape.multipleOf === undefined ? undefined : parseDecimal(shape.multipleOf);
    this.#not = (shape.not ?? []).map(parseDecimal);
    this.isPlain = isPlain(shape);
  }

  /** Whether the number that a text is may be it. */
  accepts(text: string): boolean {
    const { texts, excludesMin, excludesMax, isFractional } = this.#shape;
    if (texts !== undefined) return texts.includes(text);
    const value = parseDecimal(text);
    if (this.#min !== undefined && compare(value, this.#min) < (excludesMin === true ? 1 : 0)) return false;
    if (this.#max !== undefined && compare(value, this.#max) > (excludesMax === true ? -1 : 0)) return false;
    if (this.#step !== undefined && !isMultiple(value, this.#step)) return false;
    if (isFractional === true && isMultiple(value, { digits: 1n, scale: 0 })) return false;
    return !this.#not.some((other) => compare(value, other) === 0);
  }

  /** Whether a text may become such a number. `at` is its position. */
  mayContinue(text: string, at: NumberPosition): boolean {
    const { texts, multipleOf } = this.#shape;
    if (texts !== undefined) return texts.some((whole) => whole.startsWith(text));
    const { part } = at;
    const isExponent = part === "e" || part === "sign" || part === "exponent";
    if (multipleOf === "1" && (isExponent || part === "point" || part === "fraction")) return false;
    if (this.isPlain) return true;
    if (isExponent) return !this.#isForWriting && this.#hasExponent(text);
    const isNegative = text.startsWith("-");
    if (isNegative && this.#min !== undefined && this.#min.digits >= 0n) return false;
    if (part === "minus") return this.#crosses({ digits: 0n, scale: 0 }, undefined, true);
    const digits = BigInt(text.replace(/[-.]/g, ""));
    if (part === "point" || part === "fraction") {
      const scale = part === "point" ? 0 : at.digits;
      return this.#crosses({ digits, scale }, { digits: digits + 1n, scale }, isNegative);
    }
    const mayGrow = part === "whole" ? MAX_WHOLE_DIGITS - at.digits : 0;
    for (let grown = 0; grown <= mayGrow; grown++) {
      const factor = 10n ** BigInt(grown);
      const from = { digits: digits * factor, scale: 0 };
      if (this.#crosses(from, { digits: (digits + 1n) * factor, scale: 0 }, isNegative)) return true;
    }
    return false;
  }

  get isInteger(): boolean {
    return this.#shape.multipleOf === "1";
  }

  /**
   * The digits that may follow a text, where any will do and only their number matters; undefined where their values
   * do, as between a bound's own first digits and its others.
   */
  room(text: string, at: NumberPosition): DigitRoom | undefined {
    const { texts, not, isFractional, multipleOf } = this.#shape;
    const isByBounds = texts === undefined && not === undefined && isFractional !== true;
    if (!this.#isForWriting || !isByBounds || (multipleOf !== undefined && !this.isInteger)) return undefined;
    if (at.part === "minus" || at.part === "e" || at.part === "sign" || at.part === "exponent")
      return undefined;
    const isNegative = text.startsWith("-");
    const digits = BigInt(text.replace(/[-.]/g, ""));
    if (at.part === "point" || at.part === "fraction") {
      const scale = at.part === "point" ? 0 : at.digits;
      const place = this.#place({ digits, scale }, { digits: digits + 1n, scale }, isNegative);
      return place === "inside"
        ? { least: at.part === "point" ? 1 : 0, most: MAX_FRACTION_DIGITS - at.digits }
        : undefined;
    }
    let least = -1;
    let most = -1;
    const mayGrow = at.part === "whole" ? MAX_WHOLE_DIGITS - at.digits : 0;
    for (let grown = 0, factor = 1n; grown <= mayGrow; grown++, factor *= 10n) {
      const end = (digits + 1n) * factor - (this.isInteger ? 1n : 0n);
      const place = this.#place({ digits: digits * factor, scale: 0 }, { digits: end, scale: 0 }, isNegative);
      if (place === "across") return undefined;
      if (place === "outside") {
        if (least >= 0) break;
        continue;
      }
      if (least < 0) least = grown;
      most = grown;
    }
    return least < 0 ? undefined : { least, most };
  }

  /** Where magnitudes from `from` lie to the bounds; `to` is the last of whole numbers, the one behind the last of others. */
  #place(from: Decimal, to: Decimal, isNegative: boolean): "inside" | "outside" | "across" {
    const { excludesMin = false, excludesMax = false } = this.#shape;
    const mirrored = (value: Decimal | undefined) =>
      value && { digits: isNegative ? -value.digits : value.digits, scale: value.scale };
    const low = mirrored(isNegative ? this.#max : this.#min);
    const high = mirrored(isNegative ? this.#min : this.#max);
    const excludesLow = isNegative ? excludesMax : excludesMin;
    const excludesHigh = isNegative ? excludesMin : excludesMax;
    const isEndOut = !this.isInteger;
    const least = low === undefined ? 1 : compare(from, low);
    const most = high === undefined ? -1 : compare(to, high);
    if ((excludesLow ? least > 0 : least >= 0) && (excludesHigh && !isEndOut ? most < 0 : most <= 0))
      return "inside";
    const beyond = high === undefined ? -1 : compare(from, high);
    const before = low === undefined ? 1 : compare(to, low);
    const isBeyond = excludesHigh ? beyond >= 0 : beyond > 0;
    const isBefore = excludesLow || isEndOut ? before <= 0 : before < 0;
    return isBeyond || isBefore ? "outside" : "across";
  }

  /** Whether a number from `from` up to `to` (excluded) is allowed; both are magnitudes. */
  #crosses(from: Decimal, to: Decimal | undefined, isNegative: boolean): boolean {
    const { excludesMin = false, excludesMax = false } = this.#shape;
    // For negative numbers everything is mirrored.
    const bound = (value: Decimal | undefined) =>
      value === undefined
        ? undefined
        : { digits: isNegative ? -value.digits : value.digits, scale: value.scale };
    const low = bound(isNegative ? this.#max : this.#min);
    const high = bound(isNegative ? this.#min : this.#max);
    const excludesLow = isNegative ? excludesMax : excludesMin;
    const excludesHigh = isNegative ? excludesMin : excludesMax;
    const step = this.#step;
    if (step === undefined) {
      if (low !== undefined && to !== undefined && compare(low, to) >= 0) return false;
      return high === undefined || compare(from, high) <= (excludesHigh ? -1 : 0);
    }
    const scale = Math.max(from.scale, to?.scale ?? 0, step.scale, low?.scale ?? 0, high?.scale ?? 0);
    const unit = scaledTo(step, scale);
    let first = ceilDivide(scaledTo(from, scale), unit) * unit;
    if (low !== undefined) {
      const least = scaledTo(low, scale);
      const above = ceilDivide(least, unit) * unit;
      const allowed = excludesLow && above === least ? above + unit : above;
      if (allowed > first) first = allowed;
    }
    if (to !== undefined && first >= scaledTo(to, scale)) return false;
    if (high === undefined) return true;
    const most = scaledTo(high, scale);
    return excludesHigh ? first < most : first <= most;
  }

  /** Whether some exponent that a text has begun makes it an allowed number. */
  #hasExponent(text: string): boolean {
    const [mantissa = "", begun = ""] = text.split(/[eE]/);
    const tries: string[] = begun === "" ? ["", "-", "+"] : [begun];
    for (const start of tries) {
      const isOpen = start === "" || start === "-" || start === "+";
      if (!isOpen && this.accepts(`${mantissa}e${start}`)) return true;
      if (start.replace(/[-+]/, "").length > 1) continue;
      for (let exponent = 0; exponent <= 99; exponent++) {
        const digits = String(exponent);
        const whole = isOpen ? start + digits : `${start}${digits}`;
        if (whole.replace(/[-+]/, "").length <= 2 && this.accepts(`${mantissa}e${whole}`)) return true;
      }
    }
    return false;
  }
}
