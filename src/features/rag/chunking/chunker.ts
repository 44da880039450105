import { halve, splitBlock, trim } from "./split.ts";
import { readBlocks, type Section, type Span } from "./structure.ts";

/** A piece of a document that is searched and cited as one. */
export interface Chunk extends Span {
  /** The document's characters from `start` to `end`. */
  readonly text: string;
  /** Headings that this chunk stands under, outermost first. */
  readonly headingPath: readonly string[];
}

export interface ChunkingOptions {
  /** Most tokens of one chunk. */
  readonly budget: number;
  /** Most tokens that a chunk repeats from the end of the one before, within a section. */
  readonly overlap: number;
}

/** Counts the tokens of each text as the embedding model does. */
export type TokenCounter = (texts: readonly string[]) => Promise<readonly number[]>;

/** The smallest unit that packing moves. */
interface Piece extends Span {
  readonly tokens: number;
  readonly isHeading: boolean;
  readonly section: Section;
  /** What it can be cut into where only its end needs repeating. */
  readonly parts: readonly Piece[];
}

/** A section whose chunk would be less than this part of the budget shares one with its neighbour. */
const SMALL_SECTION = 1 / 4;

/**
 * Cuts a document where its author did: between sections, then paragraphs, then sentences or lines, and inside a
 * sentence only when it alone is over the budget. Together the chunks hold every character but white space, in order.
 */
export async function chunkDocument(
  text: string,
  options: ChunkingOptions,
  countTokens: TokenCounter,
): Promise<Chunk[]> {
  const pieces = await fittingPieces(text, options.budget, countTokens);
  return (await withinBudget(text, pack(pieces, options), options.budget, countTokens)).map((group) =>
    toChunk(text, group),
  );
}

/** Pieces that each fit the budget, split only as far as they must be. */
async function fittingPieces(text: string, budget: number, countTokens: TokenCounter): Promise<Piece[]> {
  const blocks = readBlocks(text).flatMap((block) =>
    trim(text, block).map((span) => ({ ...block, ...span })),
  );
  const split = blocks.map((block) => (block.kind === "heading" ? [block] : splitBlock(text, block)));
  const counts = await countTokens(
    [...blocks, ...split.flat()].map(({ start, end }) => text.slice(start, end)),
  );
  let counted = blocks.length;
  const pieces = blocks.flatMap(({ start, end, kind, section }, index): Piece[] => {
    const common = { isHeading: kind === "heading", section, parts: [] };
    const parts = (split[index] ?? []).map((part) => ({
      ...common,
      start: part.start,
      end: part.end,
      tokens: counts[counted++] ?? 0,
    }));
    const tokens = counts[index] ?? 0;
    return tokens > budget ? parts : [{ ...common, start, end, tokens, parts }];
  });
  return halveUntilFitting(text, pieces, budget, countTokens);
}

async function halveUntilFitting(
  text: string,
  pieces: readonly Piece[],
  budget: number,
  countTokens: TokenCounter,
): Promise<Piece[]> {
  const halves = pieces.map((piece) => (piece.tokens > budget ? halve(text, piece) : undefined));
  if (halves.every((pair) => pair === undefined)) return [...pieces];
  const counts = await countTokens(
    halves.flatMap((pair) => (pair ?? []).map(({ start, end }) => text.slice(start, end))),
  );
  let counted = 0;
  const next = pieces.flatMap(
    (piece, index) =>
      halves[index]?.map((half) => ({ ...piece, ...half, tokens: counts[counted++] ?? 0 })) ?? piece,
  );
  return halveUntilFitting(text, next, budget, countTokens);
}

/** Fills chunks with pieces in order; a new section begins a new chunk unless the last one is small. */
function pack(pieces: readonly Piece[], options: ChunkingOptions): Piece[][] {
  const groups: Piece[][] = [];
  let open: Piece[] = [];
  const overflows = (piece: Piece) => open.length > 0 && tokensOf(open) + piece.tokens > options.budget;
  const add = (piece: Piece) => {
    const isNewSection = open.length > 0 && open.at(-1)?.section !== piece.section;
    if (isNewSection && tokensOf(open) >= options.budget * SMALL_SECTION) {
      groups.push(open);
      open = [];
    } else if (overflows(piece)) {
      const { closed, carried } = close(open, piece, options);
      groups.push(closed);
      open = carried;
    }
    open.push(piece);
  };
  for (const piece of pieces) {
    // A heading takes at least the beginning of what it heads with it.
    const isHeaded = open.every(({ isHeading }) => isHeading);
    if (isHeaded && overflows(piece) && piece.parts.length > 0) piece.parts.forEach(add);
    else add(piece);
  }
  if (open.length > 0) groups.push(open);
  return groups;
}

/** Ends a full chunk before `next`: headings at its end move on to what they head, else its last pieces are repeated. */
function close(
  open: readonly Piece[],
  next: Piece,
  { budget, overlap }: ChunkingOptions,
): { readonly closed: Piece[]; readonly carried: Piece[] } {
  const bodyLength = open.findLastIndex(({ isHeading }) => !isHeading) + 1;
  const headings = open.slice(bodyLength);
  const moves = bodyLength > 0 && headings.length > 0 && tokensOf(headings) + next.tokens <= budget;
  if (moves) return { closed: open.slice(0, bodyLength), carried: headings };
  const parts = open.flatMap((piece) => (piece.parts.length > 0 ? piece.parts : [piece]));
  let from = parts.length;
  let room = Math.min(overlap, budget - next.tokens);
  // The first part stays: no chunk may lie within the next one.
  while (from > 1) {
    const part = parts[from - 1];
    if (part === undefined || part.section !== next.section || part.tokens > room) break;
    room -= part.tokens;
    from--;
  }
  return { closed: [...open], carried: parts.slice(from) };
}

/** Halves groups whose text counts more tokens than its pieces did one by one, which some tokenizers do. */
async function withinBudget(
  text: string,
  groups: readonly Piece[][],
  budget: number,
  countTokens: TokenCounter,
): Promise<Piece[][]> {
  const counts = await countTokens(groups.map((group) => textOf(text, group)));
  const isOver = (index: number) => (counts[index] ?? 0) > budget && (groups[index]?.length ?? 0) > 1;
  if (!groups.some((_, index) => isOver(index))) return [...groups];
  const halved = groups.flatMap((group, index) => {
    const middle = Math.ceil(group.length / 2);
    return isOver(index) ? [group.slice(0, middle), group.slice(middle)] : [group];
  });
  return withinBudget(text, halved, budget, countTokens);
}

function toChunk(text: string, group: readonly Piece[]): Chunk {
  const start = group[0]?.start ?? 0;
  return {
    start,
    end: group.at(-1)?.end ?? start,
    text: textOf(text, group),
    headingPath: commonPath(group.map(({ section }) => section.headingPath)),
  };
}

function commonPath(paths: ReadonlyArray<readonly string[]>): readonly string[] {
  const [first = [], ...others] = paths;
  const length = first.findIndex((heading, index) => others.some((path) => path[index] !== heading));
  return length === -1 ? first : first.slice(0, length);
}

function textOf(text: string, group: readonly Piece[]): string {
  return text.slice(group[0]?.start, group.at(-1)?.end);
}

function tokensOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { tokens }) => sum + tokens, 0);
}
