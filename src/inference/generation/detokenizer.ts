import type { Vocabulary } from "../llama/vocabulary.ts";
import { unknownToken } from "./request-checks.ts";

/** What `tokens` stand for in UTF-8, of which the last character may be cut. @throws InvalidRequestError for unknown tokens */
export function detokenize(tokens: readonly number[], vocabulary: Vocabulary): Uint8Array {
  const unknown = tokens.find((token) => token < 0 || token >= vocabulary.size);
  if (unknown !== undefined) throw unknownToken(unknown, vocabulary.size, "tokens");
  return Buffer.concat(tokens.map((token) => vocabulary.piece(token)));
}
