import { InvalidRequestError } from "../errors.ts";
import { MAX_DEPTH } from "../platform/json-depth.ts";
import { nextSlice } from "../platform/slices.ts";

/** Bytes that are read, or parsed, before other requests have their turn: about a millisecond. */
const SLICE_BYTES = 128 * 1024;

/** Bytes of one text: to put a longer one together would hold up other requests, and no window has room for it. */
const MAX_TEXT_BYTES = 16 * 2 ** 20;

const [QUOTE, BACKSLASH, COMMA, LETTER_U, OPEN_ARRAY, CLOSE_ARRAY] = [0x22, 0x5c, 0x2c, 0x75, 0x5b, 0x5d];
const opening = new Set([OPEN_ARRAY, 0x7b]);
const closing = new Set([CLOSE_ARRAY, 0x7d]);

/** An array or an object on the way, as members that are parsed together and members that are put together here. */
interface Container {
  readonly start: number;
  readonly isArray: boolean;
  readonly pieces: Piece[];
  /** Where the members begin that are in no piece yet, and the last comma among them. */
  runStart: number;
  lastComma: number | undefined;
}

type Piece =
  /** Whole members, and the commas between them. */
  | { readonly start: number; readonly end: number }
  /** One member, whose value is put together and begins at `large.start`. */
  | { readonly start: number; readonly large: Container | LongText };

/** A string with the places where it can be cut: between two characters, and outside escapes. */
interface LongText {
  readonly start: number;
  readonly cuts: readonly number[];
  readonly end: number;
}

/**
 * Parses JSON of any size in slices, between which the event loop turns: at once, a body of 32 MiB would hold up every
 * stream for a third of a second. `JSON.parse` reads runs of members; only what is larger than a run is put together here.
 * @throws InvalidRequestError for what nests too deep, or has a text too long; SyntaxError for what is not JSON
 */
export async function parseInSlices(bytes: Buffer): Promise<unknown> {
  const root = await scan(bytes);
  const values = await build(bytes, root);
  if (!Array.isArray(values) || values.length !== 1) throw new SyntaxError("not one JSON value");
  return values[0];
}

/** Cuts the bytes into pieces, in one pass. The text as a whole is taken for an array's only member. */
async function scan(bytes: Buffer): Promise<Container> {
  const root = newContainer(-1, true);
  const open: Container[] = [root];
  let textStart: number | undefined;
  let cuts: number[] = [];
  let turnAt = SLICE_BYTES;
  for (let at = 0; at < bytes.length; at++) {
    if (at >= turnAt) {
      turnAt = at + SLICE_BYTES;
      await nextSlice();
    }
    // Within a text nothing but a quote or a backslash matters until the next cut.
    if (textStart !== undefined)
      at = nextMark(bytes, at, Math.min(turnAt, (cuts.at(-1) ?? textStart) + SLICE_BYTES));
    const byte = bytes[at] as number;
    if (textStart !== undefined) {
      if (at - (cuts.at(-1) ?? textStart) >= SLICE_BYTES && !isContinuation(byte)) cuts.push(at);
      if (byte === BACKSLASH) at += bytes[at + 1] === LETTER_U ? 5 : 1;
      else if (at - textStart > MAX_TEXT_BYTES)
        throw new InvalidRequestError(
          `The body has a text that is longer than the ${MAX_TEXT_BYTES} bytes accepted.`,
        );
      else if (byte === QUOTE) {
        if (cuts.length > 0) addLarge(open.at(-1) ?? root, { start: textStart, cuts, end: at });
        textStart = undefined;
        cuts = [];
      }
    } else if (byte === QUOTE) textStart = at;
    else if (opening.has(byte)) {
      if (open.length > MAX_DEPTH)
        throw new InvalidRequestError(`The body nests deeper than ${MAX_DEPTH} levels.`);
      open.push(newContainer(at, byte === OPEN_ARRAY));
    } else if (closing.has(byte)) close(open, at, byte);
    else if (byte === COMMA) passComma(open.at(-1) ?? root, at);
  }
  if (open.length > 1 || textStart !== undefined) throw new SyntaxError("the text ends too early");
  endRun(root, bytes.length);
  return root;
}

/** Where the next quote or backslash is; `until` where there is none before. */
function nextMark(bytes: Buffer, from: number, until: number): number {
  const end = Math.min(until, bytes.length - 1);
  let at = from;
  while (at < end && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
  return at;
}

function newContainer(start: number, isArray: boolean): Container {
  return { start, isArray, pieces: [], runStart: start + 1, lastComma: undefined };
}

function passComma(container: Container, at: number): void {
  container.lastComma = at;
  if (at - container.runStart >= SLICE_BYTES) endRun(container, at);
}

/** Ends a run before a comma, a large member or the container's end; what follows begins a new one. */
function endRun(container: Container, end: number): void {
  container.pieces.push({ start: container.runStart, end });
  container.runStart = end + 1;
  container.lastComma = undefined;
}

/** A small container stays a part of its parent's run; a large one is a piece of its own there. */
function close(open: Container[], at: number, byte: number): void {
  const container = open.pop();
  const parent = open.at(-1);
  if (container === undefined || parent === undefined) throw new SyntaxError("a bracket too many");
  if (container.isArray !== (byte === CLOSE_ARRAY)) throw new SyntaxError("brackets that don't match");
  if (at - container.start < SLICE_BYTES) return;
  endRun(container, at);
  addLarge(parent, { ...container, end: at });
}

function addLarge(parent: Container, large: (Container | LongText) & { readonly end: number }): void {
  if (parent.lastComma !== undefined) endRun(parent, parent.lastComma);
  parent.pieces.push({ start: parent.runStart, large });
  parent.runStart = large.end + 1;
}

/** Not the first byte of a character in UTF-8. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

async function build(bytes: Buffer, { pieces, isArray }: Container): Promise<unknown> {
  const array: unknown[] = [];
  const object = new Map<string, unknown>();
  let before: Piece | undefined;
  for (const piece of pieces) {
    await nextSlice();
    const isAfterLarge = before !== undefined && "large" in before;
    if ("large" in piece) {
      // A run, if only of the white space before a comma, stands between two of these.
      if (isAfterLarge) throw new SyntaxError("no comma between members");
      const head = bytes.toString("utf8", piece.start, piece.large.start);
      const value =
        "cuts" in piece.large ? await joined(bytes, piece.large) : await build(bytes, piece.large);
      if (!isArray) object.set(keyOf(head), value);
      else if (head.trim() === "") array.push(value);
      else throw new SyntaxError("no comma between members");
    } else {
      const text = bytes.toString("utf8", piece.start, piece.end).trim();
      const isEmpty = text === "";
      // Nothing may follow a large member but a comma and more; nothing at all is for an empty container.
      if (isEmpty ? !isAfterLarge && pieces.length > 1 : isAfterLarge && !text.startsWith(","))
        throw new SyntaxError("a comma or a member is missing");
      const members = isEmpty ? [] : parseRun(isAfterLarge ? text.slice(1) : text, isArray);
      if (Array.isArray(members)) for (const member of members) array.push(member);
      else for (const [key, member] of Object.entries(members)) object.set(key, member);
    }
    before = piece;
  }
  return isArray ? array : Object.fromEntries(object);
}

async function joined(bytes: Buffer, { start, cuts, end }: LongText): Promise<string> {
  const texts: string[] = [];
  for (const [index, cut] of [...cuts, end].entries()) {
    await nextSlice();
    texts.push(JSON.parse(`"${bytes.toString("utf8", cuts[index - 1] ?? start + 1, cut)}"`) as string);
  }
  // Not by +=, whose rope the next reader would have to put together, character by character.
  return texts.join("");
}

function parseRun(text: string, isArray: boolean): object {
  if (text.trim() === "") throw new SyntaxError("a member is missing");
  return JSON.parse(isArray ? `[${text}]` : `{${text}}`) as object;
}

/** The key of the member whose value is put together here: `"messages": `. */
function keyOf(head: string): string {
  const [key, ...others] = Object.keys(JSON.parse(`{${head}null}`) as object);
  if (key === undefined || others.length > 0) throw new SyntaxError("not one key");
  return key;
}
