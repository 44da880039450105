/** Reads the structure of a text: Markdown headings, and what blank lines and code fences set apart between them. */

/** A stretch of a text: UTF-16 offsets, the end not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What stands under one heading, down to the next one. */
export interface Section {
  /** Headings from the outermost to this section's own. */
  readonly headingPath: readonly string[];
}

export type BlockKind =
  | "heading"
  /** A paragraph or list, whose line breaks mean nothing. */
  | "prose"
  /** Code or a table, whose lines are its parts. */
  | "lines";

export interface Block extends Span {
  readonly kind: BlockKind;
  readonly section: Section;
}

interface Line extends Span {
  readonly text: string;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const ATX_HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
const SETEXT_UNDERLINE = /^ {0,3}(=+|-{2,})[ \t]*$/;
const TABLE_OR_CODE = /^(?: {4}|\t|\s*\|)/;
/** A title longer than this is prose that begins with a number sign. */
const LONGEST_HEADING = 200;

/** The blocks of `text` in order; only white space lies between them. */
export function readBlocks(text: string): Block[] {
  const reader = new BlockReader();
  for (const line of lines(text)) reader.read(line);
  return reader.end();
}

class BlockReader {
  readonly #blocks: Block[] = [];
  #headings: Array<{ readonly level: number; readonly title: string }> = [];
  #section: Section = { headingPath: [] };
  #open: Line[] = [];
  /** The marker that closes the code fence being read. */
  #fence: string | undefined;

  read(line: Line): void {
    if (this.#fence !== undefined) {
      this.#open.push(line);
      if (line.text.trim().startsWith(this.#fence) && FENCE.test(line.text)) this.#close("lines");
      return;
    }
    const fence = FENCE.exec(line.text)?.[1];
    const atx = ATX_HEADING.exec(line.text);
    const underline = this.#open.length === 1 ? SETEXT_UNDERLINE.exec(line.text)?.[1] : undefined;
    if (fence !== undefined) {
      this.#close();
      this.#fence = fence;
      this.#open.push(line);
    } else if (atx !== null && line.text.length <= LONGEST_HEADING) {
      this.#close();
      this.#heading([line], atx[1]?.length ?? 1, atx[2] ?? "");
    } else if (underline !== undefined) {
      const [title] = this.#open.splice(0);
      if (title !== undefined)
        this.#heading([title, line], underline.startsWith("=") ? 1 : 2, title.text.trim());
    } else if (line.text.trim() === "") {
      this.#close();
    } else {
      this.#open.push(line);
    }
  }

  end(): Block[] {
    this.#close();
    return this.#blocks;
  }

  #heading(open: readonly Line[], level: number, title: string): void {
    this.#headings = this.#headings.filter((heading) => heading.level < level);
    if (title !== "") this.#headings.push({ level, title });
    this.#section = { headingPath: this.#headings.map((heading) => heading.title) };
    this.#add(open, "heading");
  }

  #close(kind?: BlockKind): void {
    const open = this.#open;
    this.#fence = undefined;
    this.#open = [];
    if (open.length === 0) return;
    this.#add(open, kind ?? (open.every(({ text }) => TABLE_OR_CODE.test(text)) ? "lines" : "prose"));
  }

  #add(open: readonly Line[], kind: BlockKind): void {
    const first = open[0];
    const last = open.at(-1);
    if (first === undefined || last === undefined) return;
    this.#blocks.push({ start: first.start, end: last.end, kind, section: this.#section });
  }
}

/** Lines without their ends. */
export function* lines(text: string, span: Span = { start: 0, end: text.length }): Iterable<Line> {
  let { start } = span;
  while (start < span.end) {
    const newline = text.indexOf("\n", start);
    const next = newline === -1 || newline >= span.end ? span.end : newline + 1;
    const end =
      newline === next - 1 ? newline - (text[newline - 1] === "\r" && newline > start ? 1 : 0) : next;
    yield { start, end, text: text.slice(start, end) };
    start = next;
  }
}
