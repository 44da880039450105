import type { TokenVocabulary } from "../../src/inference/constraints/token-table.ts";
import { TokenTable } from "../../src/inference/constraints/token-table.ts";

/** Tokens as vocabularies of models have them: across the borders of strings, numbers, characters and escapes. */
const longer = [
  ...[
    '","',
    '":',
    '":"',
    '":{"',
    '"}',
    '"]',
    '"},{"',
    '{"',
    '["',
    '"name',
    '"a',
    'a"',
    '\\"',
    "\\u00",
    "\\n",
  ],
  ...["true", "null", "12", "123", "0.5", "-1", "1e", "00", "e5", ", ", ": ", "],", "}}", " \n", "\n  "],
  ...["ab", "abc", "name", "ame", "é", "日本", "xé", "a b", "2024-", "-0", "the", " the"],
];

/** Every byte, some longer tokens, half a character, and the end. */
export const END_TOKEN = 256 + longer.length + 1;
const pieces: readonly Uint8Array[] = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...longer.map((text) => Buffer.from(text, "utf8")),
  Uint8Array.of(0xe6, 0x97),
  new Uint8Array(),
];

const vocabulary: TokenVocabulary = {
  size: pieces.length,
  piece: (token) => pieces[token] ?? new Uint8Array(),
  isControl: () => false,
  isEndOfGeneration: (token) => token === END_TOKEN,
  specialText: () => "",
};

export const smallTable = new TokenTable(vocabulary);
