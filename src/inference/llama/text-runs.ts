/**
 * llama.cpp's pre-tokenizers without a splitter written by hand run `std::regex`, which recurses once per character that
 * it matches (ggml-org/llama.cpp#27783). 100,000 letters overflow any stack; these are safe on 8 MiB, and text of any
 * language has a space or a sign before.
 */
const LONGEST_RUN = 4096;

/**
 * Cuts a text where more than 4,096 UTF-16 units follow one another without white space, or are all white space. The cut
 * is where letters, digits and signs meet, as a pre-tokenizer would have it, or at the limit where they don't, but
 * never inside one of `whole`.
 */
export function cutLongRuns(text: string, whole: readonly string[] = []): readonly string[] {
  const pieces: string[] = [];
  let start = 0;
  let runStart = 0;
  let lastMeeting = 0;
  for (let at = 1; at < text.length; at++) {
    const kind = kindOf(text.charCodeAt(at));
    const before = kindOf(text.charCodeAt(at - 1));
    if ((kind === "space") !== (before === "space")) runStart = at;
    else if (kind !== before) lastMeeting = at;
    if (at - runStart < LONGEST_RUN) continue;
    const cut = outside(text, lastMeeting > at - LONGEST_RUN / 2 ? lastMeeting : at, whole);
    if (cut <= start) continue;
    pieces.push(text.slice(start, cut));
    start = cut;
    runStart = cut;
  }
  pieces.push(text.slice(start));
  return pieces;
}

type Kind = "space" | "letter" | "digit" | "sign";

function kindOf(unit: number): Kind {
  if (unit < 0x80) {
    if (unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)) return "space";
    if (unit >= 0x30 && unit <= 0x39) return "digit";
    return (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a ? "letter" : "sign";
  }
  const character = String.fromCharCode(unit);
  if (/\s/u.test(character)) return "space";
  // A surrogate is taken for a letter: no cut falls between the two of a pair.
  return /[\p{L}\p{M}\p{Cs}]/u.test(character) ? "letter" : "sign";
}

/** `at`, or the start of what must stay whole there: a special text, a pair of surrogates. */
function outside(text: string, at: number, whole: readonly string[]): number {
  for (const special of whole) {
    const found = text.indexOf(special, Math.max(0, at - special.length + 1));
    if (found !== -1 && found < at) return found;
  }
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}
