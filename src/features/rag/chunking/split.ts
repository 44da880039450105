import { type Block, lines, type Span } from "./structure.ts";

/** Sentence ends follow Unicode's rules, the same on every machine regardless of its locale. */
const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });

/**
 * The parts of a block that is too long for one chunk: sentences of prose, lines of code. Their spans follow one
 * another and hold every character that is not white space. One part alone when there is nothing to split by.
 */
export function splitBlock(text: string, block: Block): Span[] {
  return block.kind === "lines" ? splitLines(text, block) : splitSentences(text, block);
}

function splitLines(text: string, span: Span): Span[] {
  return [...lines(text, span)].flatMap((line) => trim(text, line));
}

function splitSentences(text: string, { start, end }: Span): Span[] {
  // A line break in a paragraph is a space; the segmenter takes it for the end of a sentence.
  const flowing = text.slice(start, end).replaceAll(/[\r\n]/g, " ");
  return [...segmenter.segment(flowing)].flatMap(({ index, segment }) =>
    trim(text, { start: start + index, end: start + index + segment.length }),
  );
}

/**
 * Two halves, cut at the white space nearest to the middle, else between two characters; nothing when `span` is one
 * character.
 */
export function halve(text: string, span: Span): readonly Span[] | undefined {
  const middle = span.start + ((span.end - span.start) >> 1);
  const reach = (span.end - span.start) >> 2;
  for (let distance = 0; distance <= reach; distance++) {
    for (const cut of [middle - distance, middle + distance]) {
      if (/\s/.test(text.charAt(cut))) {
        const halves = [
          ...trim(text, { start: span.start, end: cut }),
          ...trim(text, { start: cut, end: span.end }),
        ];
        if (halves.length === 2) return halves;
      }
    }
  }
  const cut = isLowSurrogate(text, middle) ? middle - 1 : middle;
  if (cut > span.start)
    return [
      { start: span.start, end: cut },
      { start: cut, end: span.end },
    ];
  const later = middle + (isLowSurrogate(text, middle + 1) ? 2 : 1);
  return later < span.end
    ? [
        { start: span.start, end: later },
        { start: later, end: span.end },
      ]
    : undefined;
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** `span` without the white space at its ends; nothing when it is all white space. */
export function trim(text: string, { start, end }: Span): Span[] {
  const slice = text.slice(start, end);
  const leading = slice.length - slice.trimStart().length;
  if (leading === slice.length) return [];
  return [{ start: start + leading, end: end - (slice.length - slice.trimEnd().length) }];
}
