import { setImmediate } from "node:timers/promises";
import { InvalidRequestError } from "../../errors.ts";
import type { Vocabulary } from "../llama/vocabulary.ts";
import { unknownToken } from "./request-checks.ts";

/** Tokens that are turned into text between two steps. */
const TOKENS_AT_ONCE = 4096;
/** Most text that tokens may stand for: a short piece of the vocabulary, asked for often, is far longer than its ids. */
const MAX_TEXT_BYTES = 16 * 2 ** 20;

/**
 * The text of `tokens`, made in pieces, between which streams continue.
 * @throws InvalidRequestError for unknown tokens and for too long a text
 */
export async function detokenize(tokens: readonly number[], vocabulary: Vocabulary): Promise<string> {
  const unknown = tokens.find((token) => token < 0 || token >= vocabulary.size);
  if (unknown !== undefined) throw unknownToken(unknown, vocabulary.size, "tokens");
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let start = 0; start < tokens.length; start += TOKENS_AT_ONCE) {
    if (start > 0) await setImmediate();
    const piece = Buffer.concat(
      tokens.slice(start, start + TOKENS_AT_ONCE).map((token) => vocabulary.piece(token)),
    );
    bytes += piece.length;
    if (bytes > MAX_TEXT_BYTES) {
      const message = `The tokens stand for more than ${MAX_TEXT_BYTES / 2 ** 20} MiB of text: send fewer at once.`;
      throw new InvalidRequestError(message, { param: "tokens" });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}
