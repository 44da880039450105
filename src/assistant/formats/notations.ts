import type { LiteralStyle } from "./format.ts";

/** Keyword arguments of a call in Python. */
export const python: LiteralStyle = {
  type: "literals",
  assign: "=",
  innerAssign: ": ",
  between: ", ",
  quotes: ["'", '"'],
  hasEscapes: true,
  quotesKeys: true,
  words: { true: "True", false: "False", null: "None" },
};

/** Gemma 4: bare keys, and texts between tokens of their own. */
export const gemma: LiteralStyle = {
  type: "literals",
  assign: ":",
  innerAssign: ":",
  between: ",",
  quotes: ['<|"|>'],
  hasEscapes: false,
  quotesKeys: false,
  words: { true: "true", false: "false", null: "null" },
};
