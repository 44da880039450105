import { InvalidRequestError } from "../../../errors.ts";
import { parseJson } from "./json-text.ts";
import { PieceBuilder } from "./pieces.ts";
import { type Bytes, type RawRecord, tooLarge, unreadable } from "./raw-record.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const NEWLINE = 0x0a;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
/** As much of a member's name as is kept to recognise `records`. */
const MAX_NAME_BYTES = 64;
const whiteSpace = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * The elements of a JSON array, or of the array `records` of a JSON object, without ever holding more than one of
 * them: this only finds where each begins and ends, and JSON.parse reads it.
 * @throws InvalidRequestError when the file is neither
 */
export async function* readJson(bytes: Bytes): AsyncIterable<RawRecord> {
  const scanner = new ElementScanner();
  for await (const chunk of bytes) yield* scanner.scan(chunk);
  yield* scanner.finish();
}

class ElementScanner {
  readonly #element = new PieceBuilder();
  /** The latest member name of the outer object. */
  readonly #name = new PieceBuilder();
  /** Brackets open around the current byte. */
  #depth = 0;
  /** Depth at which elements stand, once their array is found. */
  #elementDepth: number | undefined;
  #isInString = false;
  #isEscaped = false;
  /** The array has ended, and the object around it continues. */
  #isPastRecords = false;
  #isFinished = false;
  #isBroken = false;
  /** Line of what comes after the end. */
  #strayLine: number | undefined;
  #line = 1;
  #elementLine = 1;
  #hasStarted = false;
  #isName = true;

  *scan(chunk: Uint8Array): Iterable<RawRecord> {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (byte === NEWLINE) this.#line++;
      if (this.#isFinished) {
        if (!whiteSpace.has(byte)) this.#strayLine ??= this.#line;
        continue;
      }
      if (!this.#hasStarted) {
        this.#start(byte);
        from = at + 1;
        continue;
      }
      const isAtTop = !this.#isInString && this.#depth === (this.#elementDepth ?? 1);
      if (this.#elementDepth === undefined) {
        if (this.#findRecords(byte, isAtTop)) from = at + 1;
      } else if (!this.#isPastRecords && isAtTop && (byte === COMMA || byte === CLOSE_ARRAY)) {
        this.#element.add(chunk.subarray(from, at));
        yield* this.#takeElement(byte === COMMA);
        from = at + 1;
        if (byte === COMMA) continue;
        this.#isPastRecords = true;
      }
      this.#track(byte);
    }
    if (this.#elementDepth !== undefined && !this.#isPastRecords) this.#element.add(chunk.subarray(from));
  }

  *finish(): Iterable<RawRecord> {
    if (this.#elementDepth === undefined)
      throw new InvalidRequestError(
        "The file must be a JSON array of records, or an object with such an array as records.",
        { param: "file" },
      );
    if (!this.#isFinished || this.#isBroken)
      yield unreadable("invalid_field_type", "the array of records does not end as JSON", this.#elementLine);
    else if (this.#strayLine !== undefined)
      yield unreadable(
        "invalid_field_type",
        "stands after the end of the JSON: a file has one array of records",
        this.#strayLine,
      );
  }

  #start(byte: number): void {
    // 0xef 0xbb 0xbf is a byte order mark.
    if (whiteSpace.has(byte) || byte === 0xef || byte === 0xbb || byte === 0xbf) return;
    this.#hasStarted = true;
    this.#depth = 1;
    if (byte === OPEN_ARRAY) this.#elementDepth = 1;
    else if (byte !== OPEN_OBJECT) this.#isFinished = true;
  }

  /** Reads member names of the outer object; true when this byte opens the array of the one called `records`. */
  #findRecords(byte: number, isAtTop: boolean): boolean {
    if (this.#depth !== 1) return false;
    if (isAtTop && byte === COMMA) {
      this.#isName = true;
      this.#name.take();
    } else if (isAtTop && byte === COLON) this.#isName = false;
    else if (this.#isName && this.#name.length < MAX_NAME_BYTES) this.#name.add(Uint8Array.of(byte));
    else if (isAtTop && byte === OPEN_ARRAY && this.#name.take()?.toString().trim() === '"records"') {
      this.#elementDepth = 2;
      this.#elementLine = this.#line;
      return true;
    }
    return false;
  }

  #track(byte: number): void {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isInString = false;
    } else if (byte === QUOTE) this.#isInString = true;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) this.#depth++;
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) this.#depth--;
    if (this.#depth > 0) return;
    // The outer object ended; or, inside the array, a bracket too many: nothing behind it can be told apart.
    this.#isFinished = true;
    this.#isBroken = this.#elementDepth !== undefined && !this.#isPastRecords;
  }

  *#takeElement(mustBeThere: boolean): Iterable<RawRecord> {
    const line = this.#elementLine;
    this.#elementLine = this.#line;
    const bytes = this.#element.take();
    if (bytes === undefined) yield tooLarge(line);
    // An empty array has one empty place; so has a comma too many, which is said.
    else if (mustBeThere || bytes.some((byte) => !whiteSpace.has(byte))) yield parseJson(bytes, line);
  }
}
