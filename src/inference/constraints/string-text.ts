/**
 * The inside of a JSON string, byte by byte. Between two characters there is nothing to remember; within one there is
 * the range of code points that it may still become, which is exact: `\u00` stands for U+0000 to U+00FF.
 */
export interface PartialCharacter {
  readonly kind: "utf8" | "escape" | "hex" | "low-escape" | "low-u" | "low-hex";
  /** Bytes or hexadecimal digits that are still to come. */
  readonly left: number;
  /** Code points that are still possible; code units while `kind` is `hex`. */
  readonly from: number;
  readonly to: number;
}

export function isEscape({ kind }: PartialCharacter): boolean {
  return kind !== "utf8";
}

export type StringStep =
  | { readonly type: "character"; readonly codePoint: number }
  | { readonly type: "partial"; readonly partial: PartialCharacter }
  | { readonly type: "end" };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const partials = new Map<number, StringStep>();

function partial(
  kind: PartialCharacter["kind"],
  left: number,
  from: number,
  to: number,
  order: number,
): StringStep {
  const key = (from * 0x110000 + to) * 64 + order * 8 + left;
  let step = partials.get(key);
  if (step === undefined) {
    step = { type: "partial", partial: { kind, left, from, to } };
    partials.set(key, step);
  }
  return step;
}

const utf8 = (left: number, from: number, to: number) => partial("utf8", left, from, to, 0);
const escapeBegun = partial("escape", 1, 0, 0x10ffff, 1);
const hex = (left: number, from: number, to: number) => partial("hex", left, from, to, 2);

const characters = Array.from(
  { length: 128 },
  (_, codePoint): StringStep => ({ type: "character", codePoint }),
);
const end: StringStep = { type: "end" };

function character(codePoint: number): StringStep {
  return characters[codePoint] ?? { type: "character", codePoint };
}

/** Reads one byte between or within characters; undefined where no JSON string can have it there. */
export function readString(within: PartialCharacter | undefined, byte: number): StringStep | undefined {
  if (within === undefined) return beginCharacter(byte);
  switch (within.kind) {
    case "utf8":
      return continueUtf8(within, byte);
    case "escape":
      return readEscape(byte);
    case "hex":
      return readHex(within, byte);
    case "low-escape":
      return byte === BACKSLASH ? partial("low-u", 1, within.from, within.to, 4) : undefined;
    case "low-u":
      return byte === 0x75 ? partial("low-hex", 4, within.from, within.to, 5) : undefined;
    case "low-hex":
      return readLowHex(within, byte);
  }
}

function beginCharacter(byte: number): StringStep | undefined {
  if (byte === QUOTE) return end;
  if (byte === BACKSLASH) return escapeBegun;
  if (byte < 0x20) return undefined;
  if (byte < 0x80) return characters[byte];
  if (byte < 0xc2) return undefined;
  if (byte < 0xe0) return utf8(1, (byte & 0x1f) << 6, ((byte & 0x1f) << 6) | 0x3f);
  if (byte < 0xf0) {
    const from = (byte & 0x0f) << 12;
    // The byte after it rules out overlong forms and surrogates (RFC 3629, section 4).
    return utf8(2, Math.max(from, 0x800), byte === 0xed ? 0xd7ff : from | 0xfff);
  }
  if (byte > 0xf4) return undefined;
  const from = (byte & 0x07) << 18;
  return utf8(3, Math.max(from, 0x10000), Math.min(from | 0x3ffff, 0x10ffff));
}

function continueUtf8({ left, from, to }: PartialCharacter, byte: number): StringStep | undefined {
  if ((byte & 0xc0) !== 0x80) return undefined;
  const shift = 6 * (left - 1);
  // Bits above those of this byte are the same in `from` and `to`.
  const high = Math.floor(from / 2 ** (shift + 6)) * 2 ** (shift + 6) + (byte & 0x3f) * 2 ** shift;
  const low = Math.max(from, high);
  const top = Math.min(to, high + 2 ** shift - 1);
  if (low > top) return undefined;
  return left === 1 ? character(low) : utf8(left - 1, low, top);
}

const escapes: Readonly<Record<number, number>> = {
  34: 34,
  92: 92,
  47: 47,
  98: 8,
  102: 12,
  110: 10,
  114: 13,
  116: 9,
};

function readEscape(byte: number): StringStep | undefined {
  if (byte === 0x75) return hex(4, 0, 0xffff);
  const codePoint = escapes[byte];
  return codePoint === undefined ? undefined : character(codePoint);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function readHex({ left, from }: PartialCharacter, byte: number): StringStep | undefined {
  const digit = hexDigit(byte);
  if (digit < 0) return undefined;
  const size = 16 ** (left - 1);
  const first = from + digit * size;
  if (left > 1)
    return left === 3 && first >= 0xdc00 && first <= 0xdf00
      ? undefined
      : hex(left - 1, first, first + size - 1);
  if (first < 0xd800 || first > 0xdfff) return character(first);
  // Half a surrogate pair is not a character: the other half must follow.
  if (first > 0xdbff) return undefined;
  const high = 0x10000 + (first - 0xd800) * 0x400;
  return partial("low-escape", 1, high, high + 0x3ff, 3);
}

/** The second half of a pair: `DC00` to `DFFF`, of which the first two digits only choose among four. */
function readLowHex({ left, from, to }: PartialCharacter, byte: number): StringStep | undefined {
  const digit = hexDigit(byte);
  if (digit < 0) return undefined;
  if (left === 4) return digit === 13 ? partial("low-hex", 3, from, to, 5) : undefined;
  if (left === 3) {
    if (digit < 12) return undefined;
    const first = from + (digit - 12) * 0x100;
    return partial("low-hex", 2, first, first + 0xff, 5);
  }
  const size = 16 ** (left - 1);
  const first = from + digit * size;
  return left === 1 ? character(first) : partial("low-hex", 1, first, first + size - 1, 5);
}

/** Whether a partial character may still become one of those from `from` to `to`, for each of which `takes` is asked. */
export function mayBecome(
  { kind, from, to, left }: PartialCharacter,
  takes: (from: number, to: number) => boolean,
): boolean {
  if (kind === "escape") return takes(0, 0x10ffff);
  if (kind !== "hex") return takes(from, to);
  if (from < 0xd800 && takes(from, Math.min(to, 0xd7ff))) return true;
  if (to > 0xdfff && takes(Math.max(from, 0xe000), to)) return true;
  const high = Math.max(from, 0xd800);
  const last = Math.min(to, 0xdbff);
  return (
    left > 0 &&
    high <= last &&
    takes(0x10000 + (high - 0xd800) * 0x400, 0x10000 + (last - 0xd800) * 0x400 + 0x3ff)
  );
}
