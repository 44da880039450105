import type { CallPiece } from "./format.ts";
import { type Match, match } from "./markers.ts";

/** What comes before a call's arguments. */
export interface CallHeader {
  readonly name: string;
  /** As the model wrote it, in the formats that have one. */
  readonly id: string | undefined;
  /** Characters that it takes up. */
  readonly length: number;
}

/** Longest name or id. */
const MAX_WORD = 256;

/** Reads the pieces before a call's arguments: whole, not yet all there, or something else. */
export function readHeader(text: string, pieces: readonly CallPiece[]): CallHeader | "more" | "no" {
  let at = 0;
  let name = "";
  let id: string | undefined;
  for (const piece of pieces) {
    if (piece.type === "arguments") break;
    const rest = text.slice(at);
    if (piece.type === "text") {
      const matched = match(rest, piece.text);
      if (typeof matched === "string") return matched;
      at += matched;
      continue;
    }
    const word = /^\s*([\w./-]*)/.exec(rest) ?? ["", ""];
    const [whole, value = ""] = word;
    if (value.length > MAX_WORD) return "no";
    if (whole.length === rest.length) return "more";
    if (value === "") return "no";
    at += whole.length;
    if (piece.type === "name") name = value;
    else id = value;
  }
  return { name, id, length: at };
}

/** How much of `text` is what follows a call's arguments. An id there may be missing: not every model writes it. */
export function matchTrailer(text: string, pieces: readonly CallPiece[]): Match {
  const after = pieces.slice(pieces.findIndex(({ type }) => type === "arguments") + 1);
  const read = readHeader(text, after);
  if (typeof read !== "string") return read.length;
  const last = after.at(-1);
  if (read === "more" || last?.type !== "text" || after.length === 1) return read;
  return match(text, last.text.replace(/^"/, ""));
}
