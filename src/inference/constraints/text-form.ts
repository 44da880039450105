import type { AutomatonRunner } from "./automaton.ts";
import type { PartialCharacter } from "./string-text.ts";
import type { TextRange } from "./text-list.ts";

/** One of the forms that a string may have. */
export interface TextForm {
  /** Lengths in characters. */
  readonly minLength: number;
  readonly maxLength?: number | undefined;
  readonly automaton?: AutomatonRunner | undefined;
  /** The only texts there are, sorted. */
  readonly texts?: readonly string[] | undefined;
  /** Of these, those that are wanted; the others are only told apart. All of them where it is left out. */
  readonly isWanted?: (index: number) => boolean;
}

/** A form that a string may still have: its index, and how far the string has come in its automaton or list. */
export interface TextItem {
  readonly form: number;
  readonly state: number;
  readonly range: TextRange | undefined;
  /** A character was escaped that need not be: listed texts are written as they are. */
  readonly isEscaped: boolean;
}

/** A form that the string has if it ends here. */
export interface TextEnding {
  readonly form: number;
  /** Index of its text, where the form has a list. */
  readonly text: number | undefined;
  readonly isEscaped: boolean;
}

/** Characters that no JSON string has but escaped. */
export const escaped: ReadonlyArray<readonly [from: number, to: number]> = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
export const needsEscape = (codePoint: number) =>
  codePoint < 0x20 || codePoint === 0x22 || codePoint === 0x5c;

/** Equal for equal places. */
export function keyOf(
  items: readonly TextItem[],
  length: number,
  partial: PartialCharacter | undefined,
): string {
  let key = partial === undefined ? "" : `${partial.kind}${partial.left},${partial.from},${partial.to}`;
  key += `:${length}`;
  for (const { form, state, range, isEscaped } of items) {
    key += `:${form}.${state}`;
    if (range !== undefined) key += `.${range.low}-${range.high}-${range.depth}${isEscaped ? "!" : ""}`;
  }
  return key;
}
