import {
  ceilDivide,
  commonMultiple,
  compare,
  type Decimal,
  decimalText,
  isMultiple,
  parseDecimal,
  scaledTo,
} from "./decimal.ts";
import type { NumberShape } from "./json-program.ts";
import { MAX_FRACTION_DIGITS, MAX_WHOLE_DIGITS, type NumberPosition } from "./number-text.ts";

/** Decimal digits that a double tells apart: numbers that differ in them differ for every reader. */
const EXACT_DIGITS = 15;
/** Digits before the point of a number that must have a fraction. */
const FRACTIONAL_WHOLE_DIGITS = 9;

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

const wholeDigits = ({ digits, scale }: Decimal) => String(digits).replace("-", "").length - scale;

const one: Decimal = { digits: 1n, scale: 0 };
const larger = (a: bigint, b: bigint) => (a > b ? a : b);
const smaller = (a: bigint, b: bigint) => (a < b ? a : b);

/** A number's conditions with their decimals read. */
export class NumberRule {
  readonly #shape: NumberShape;
  readonly #min: Decimal | undefined;
  readonly #max: Decimal | undefined;
  readonly #step: Decimal | undefined;
  readonly #not: readonly Decimal[];
  readonly #isForWriting: boolean;
  readonly #maxWholeDigits: number;
  readonly isPlain: boolean;
  /** Digits that may stand behind the point. */
  readonly maxFractionDigits: number;

  /** `isForWriting`: what bounds are asked of has no exponent, and no more digits than a double tells apart. */
  constructor(shape: NumberShape, isForWriting = false) {
    this.#shape = shape;
    this.#isForWriting = isForWriting;
    this.#min = shape.min === undefined ? undefined : parseDecimal(shape.min);
    this.#max = shape.max === undefined ? undefined : parseDecimal(shape.max);
    this.#step = shape.multipleOf === undefined ? undefined : parseDecimal(shape.multipleOf);
    this.#not = [
      ...new Map((shape.not ?? []).map((text) => [decimalText(parseDecimal(text)), text])).values(),
    ].map(parseDecimal);
    this.isPlain = isPlain(shape);
    this.#maxWholeDigits = MAX_WHOLE_DIGITS;
    this.maxFractionDigits = MAX_FRACTION_DIGITS;
    if (!isForWriting || this.isPlain) return;
    const named = [this.#min, this.#max, this.#step, ...this.#not].filter((value) => value !== undefined);
    const least = shape.isFractional === true ? FRACTIONAL_WHOLE_DIGITS : 1;
    const whole = named.reduce((most, value) => Math.max(most, wholeDigits(value)), least);
    // Between two numbers there is always one with a digit more.
    const scale = named.reduce((most, value) => Math.max(most, value.scale + 1), 1);
    this.maxFractionDigits = Math.min(MAX_FRACTION_DIGITS, Math.max(scale, EXACT_DIGITS - whole));
    if (shape.isFractional === true) this.#maxWholeDigits = whole;
  }

  /** Whether the number that a text is may be it. */
  accepts(text: string): boolean {
    const { texts, excludesMin, excludesMax, isFractional } = this.#shape;
    if (texts !== undefined) return texts.includes(text);
    const value = parseDecimal(text);
    if (this.#min !== undefined && compare(value, this.#min) < (excludesMin === true ? 1 : 0)) return false;
    if (this.#max !== undefined && compare(value, this.#max) > (excludesMax === true ? -1 : 0)) return false;
    if (this.#step !== undefined && !isMultiple(value, this.#step)) return false;
    if (isFractional === true && isMultiple(value, one)) return false;
    return !this.#not.some((other) => compare(value, other) === 0);
  }

  /** Whether a text may become such a number. `at` is its position. */
  mayContinue(text: string, at: NumberPosition): boolean {
    const { texts } = this.#shape;
    if (texts !== undefined) return texts.some((whole) => whole.startsWith(text));
    const { part } = at;
    const isExponent = part === "e" || part === "sign" || part === "exponent";
    if (this.isInteger && (isExponent || part === "point" || part === "fraction")) return false;
    if (this.isPlain) return true;
    if (isExponent) return !this.#isForWriting && this.#hasExponent(text);
    const isNegative = text.startsWith("-");
    if (isNegative && this.#min !== undefined && this.#min.digits >= 0n) return false;
    if (part === "minus") {
      const end = { digits: 10n ** BigInt(this.#maxWholeDigits), scale: 0 };
      return this.#hasWithin({ digits: 0n, scale: 0 }, end, true);
    }
    const digits = BigInt(text.replace(/[-.]/g, ""));
    if (part === "point" || part === "fraction") {
      const scale = part === "point" ? 0 : at.digits;
      if (scale > this.maxFractionDigits) return false;
      return this.#hasWithin({ digits, scale }, { digits: digits + 1n, scale }, isNegative);
    }
    const mayGrow = part === "whole" ? this.#maxWholeDigits - at.digits : 0;
    for (let grown = 0; grown <= mayGrow; grown++) {
      const factor = 10n ** BigInt(grown);
      const from = { digits: digits * factor, scale: 0 };
      if (this.#hasWithin(from, { digits: (digits + 1n) * factor, scale: 0 }, isNegative)) return true;
    }
    return false;
  }

  /** Whether it is a whole number, which is written without a fraction; a validator takes `14.0` for a multiple of 7. */
  get isInteger(): boolean {
    const step = this.#step;
    return (
      this.#shape.multipleOf === "1" || (this.#isForWriting && step !== undefined && isMultiple(step, one))
    );
  }

  /**
   * The digits that may follow a text, where any will do and only their number matters; undefined where their values
   * do, as between a bound's own first digits and its others.
   */
  room(text: string, at: NumberPosition): DigitRoom | undefined {
    const { texts, not, isFractional, multipleOf } = this.#shape;
    const isByBounds = texts === undefined && not === undefined && isFractional !== true;
    if (!this.#isForWriting || !isByBounds || (multipleOf !== undefined && multipleOf !== "1"))
      return undefined;
    if (at.part === "minus" || at.part === "e" || at.part === "sign" || at.part === "exponent")
      return undefined;
    const isNegative = text.startsWith("-");
    const digits = BigInt(text.replace(/[-.]/g, ""));
    if (at.part === "point" || at.part === "fraction") {
      const scale = at.part === "point" ? 0 : at.digits;
      const place = this.#place({ digits, scale }, { digits: digits + 1n, scale }, isNegative);
      return place === "inside"
        ? { least: at.part === "point" ? 1 : 0, most: this.maxFractionDigits - scale }
        : undefined;
    }
    let least = -1;
    let most = -1;
    const mayGrow = at.part === "whole" ? this.#maxWholeDigits - at.digits : 0;
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
  #hasWithin(from: Decimal, to: Decimal, isNegative: boolean): boolean {
    const grid = { digits: 1n, scale: this.isInteger ? 0 : this.maxFractionDigits };
    const step = this.#step ?? grid;
    const known = [from, to, step, this.#min, this.#max, ...this.#not, one];
    const scale = known.reduce((most, value) => Math.max(most, value?.scale ?? 0), 0);
    const of = (value: Decimal) => scaledTo(value, scale);
    // For negative numbers everything is mirrored.
    const mirrored = (value: Decimal) => (isNegative ? -of(value) : of(value));
    const { excludesMin = false, excludesMax = false } = this.#shape;
    const [low, high] = isNegative ? [this.#max, this.#min] : [this.#min, this.#max];
    const [excludesLow, excludesHigh] = isNegative ? [excludesMax, excludesMin] : [excludesMin, excludesMax];
    let first = of(from);
    let end = of(to);
    if (low !== undefined) first = larger(first, mirrored(low) + (excludesLow ? 1n : 0n));
    if (high !== undefined) end = smaller(end, mirrored(high) + (excludesHigh ? 0n : 1n));
    if (first >= end) return false;
    const multiples = (unit: Decimal) => ceilDivide(end, of(unit)) - ceilDivide(first, of(unit));
    const isFractional = this.#shape.isFractional === true;
    const count = multiples(step) - (isFractional ? multiples(commonMultiple(step, one)) : 0n);
    if (count <= 0n || this.#not.length === 0) return count > 0n;
    const left = this.#not.filter((other) => {
      const value = mirrored(other);
      const isCounted = value >= first && value < end && value % of(step) === 0n;
      return isCounted && !(isFractional && isMultiple(other, one));
    });
    return count > BigInt(left.length);
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
