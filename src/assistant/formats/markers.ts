/** Length of the longest end of `text` that begins `marker` and is not all of it. */
export function partialEnd(text: string, marker: string): number {
  let length = Math.min(text.length, marker.length - 1);
  while (length > 0 && !text.endsWith(marker.slice(0, length))) length--;
  return length;
}

/** Outcome of comparing the beginning of a text that still grows: characters that matched, or not yet known, or not. */
export type Match = number | "more" | "no";

/**
 * How much of `text` spells `expected`, where white space may differ: models vary line breaks and spaces around their
 * markers.
 */
export function match(text: string, expected: string): Match {
  let at = 0;
  for (const character of expected) {
    if (isSpace(character)) continue;
    at = skipSpace(text, at);
    if (at >= text.length) return "more";
    if (!text.startsWith(character, at)) return "no";
    at += character.length;
  }
  return at;
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charAt(at))) at++;
  return at;
}

function isSpace(character: string): boolean {
  return character.trim() === "";
}
