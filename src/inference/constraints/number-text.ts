/** Digits that are written at most: what a double needs, written without an exponent. No number is endless. */
export const MAX_WHOLE_DIGITS = 21;
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

/** The position behind one more byte; undefined where no JSON number continues so. */
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
