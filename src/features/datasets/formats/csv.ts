import { isUtf8 } from "node:buffer";
import { CsvError, parse } from "csv-parse/sync";
import { InvalidRequestError } from "../../../errors.ts";
import type { DatasetType } from "../dataset.ts";
import { type Piece, PieceBuilder, withoutMark } from "./pieces.ts";
import { type Bytes, MAX_RAW_BYTES, type RawRecord, tooLarge, unreadable } from "./raw-record.ts";

const QUOTE = 0x22;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const delimiters = [",", ";", "\t"] as const;
const MAX_COLUMNS = 1000;

const knownColumns: Readonly<Record<DatasetType, ReadonlySet<string>>> = {
  rag_corpus: new Set(["record_id", "doc_id", "text", "title"]),
  eval_set: new Set(["record_id", "doc_id", "prompt", "reference", "context", "tags"]),
};

/**
 * A table with a header line. Columns that a record does not know go to its `metadata`; `tags` are separated by `;`.
 * @throws InvalidRequestError when there is no header that can be read
 */
export async function* readCsv(bytes: Bytes, type: DatasetType): AsyncIterable<RawRecord> {
  let header: { readonly columns: readonly string[]; readonly delimiter: string } | undefined;
  for await (const { bytes: row, line } of rows(bytes)) {
    if (header === undefined) {
      if (row === undefined || !isBlank(row)) header = readHeader(row);
      continue;
    }
    if (row === undefined) yield tooLarge(line);
    else if (!isUtf8(row)) yield unreadable("invalid_encoding", "is not valid UTF-8", line);
    else {
      const cells = readCells(row, header.delimiter);
      if (typeof cells === "string") yield unreadable("invalid_field_type", cells, line);
      else if (cells.length > header.columns.length) {
        const message = `has ${cells.length} cells, and the header has ${header.columns.length}`;
        yield unreadable("invalid_field_type", message, line);
      } else if (cells.some((cell) => cell !== "")) {
        yield { type: "value", value: toRecord(header.columns, cells, knownColumns[type]), line };
      }
    }
  }
  if (header === undefined)
    throw new InvalidRequestError("The file is empty; a CSV starts with a header.", { param: "file" });
}

/**
 * Splits at the line ends outside quotes. A row that is too large is given up at the next line end, quoted or not, so
 * that one quote too many does not swallow the whole file.
 */
async function* rows(bytes: Bytes): AsyncIterable<Piece> {
  const builder = new PieceBuilder();
  const quotes = new QuoteTracker();
  let line = 1;
  let rowLine = 1;
  for await (const chunk of bytes) {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      const isGivenUp = builder.length + at - from > MAX_RAW_BYTES;
      if (byte === NEWLINE && (!quotes.isInside || isGivenUp)) {
        builder.add(chunk.subarray(from, at));
        yield { bytes: builder.take(), line: rowLine };
        from = at + 1;
        rowLine = line + 1;
        quotes.reset();
      } else quotes.pass(byte);
      if (byte === NEWLINE) line++;
    }
    builder.add(chunk.subarray(from));
  }
  if (builder.length > 0) yield { bytes: builder.take(), line: rowLine };
}

/** Whether a byte stands inside a quoted cell. A quote opens one only at its beginning; two in a row are one character. */
class QuoteTracker {
  #state: "cell-start" | "plain" | "quoted" | "after-quote" = "cell-start";

  get isInside(): boolean {
    return this.#state === "quoted";
  }

  reset(): void {
    this.#state = "cell-start";
  }

  pass(byte: number): void {
    if (this.#state === "quoted") this.#state = byte === QUOTE ? "after-quote" : "quoted";
    else if (byte === QUOTE) this.#state = this.#state === "plain" ? "plain" : "quoted";
    else this.#state = delimiters.some((one) => one.charCodeAt(0) === byte) ? "cell-start" : "plain";
  }
}

function readHeader(row: Buffer | undefined) {
  const bytes = row === undefined ? undefined : withoutMark(row);
  if (bytes === undefined || !isUtf8(bytes) || bytes.includes(0))
    throw new InvalidRequestError("The first line of the file is not a CSV header in UTF-8.", {
      param: "file",
    });
  const text = bytes.toString("utf8");
  const count = (delimiter: string) => text.split(delimiter).length;
  const [delimiter] = [...delimiters].sort((a, b) => count(b) - count(a));
  const cells = readCells(bytes, delimiter ?? ",");
  if (typeof cells === "string") throw new InvalidRequestError(`The CSV header ${cells}.`, { param: "file" });
  if (cells.some((cell) => cell.includes("\r")))
    throw new InvalidRequestError(
      "The lines of the CSV end in CR alone; save it with LF or CRLF line ends.",
      {
        param: "file",
      },
    );
  const columns = cells.map((cell) => cell.trim());
  if (columns.length > MAX_COLUMNS || new Set(columns).size !== columns.length)
    throw new InvalidRequestError(`The CSV header must have different columns, at most ${MAX_COLUMNS}.`, {
      param: "file",
    });
  return { columns, delimiter: delimiter ?? "," };
}

function isBlank(row: Buffer): boolean {
  return withoutMark(row).toString("latin1").trim() === "";
}

/** The parser's own messages count lines and fields within the row. */
const rowProblems: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: "a quote is not closed",
  INVALID_OPENING_QUOTE: "a cell that does not begin with a quote has one inside",
  CSV_INVALID_CLOSING_QUOTE: "a cell continues after its closing quote",
};

/** The cells of one row, or what is wrong with it. */
function readCells(row: Buffer, delimiter: string): readonly string[] | string {
  const bytes = row.at(-1) === RETURN ? row.subarray(0, -1) : row;
  try {
    // Where rows end is known: a carriage return inside one is text.
    const options = { delimiter, relax_column_count: true, record_delimiter: "\n" };
    const [cells = []] = parse(bytes, options) as string[][];
    return cells;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return `is not a CSV row: ${rowProblems[error.code] ?? error.message}`;
  }
}

function toRecord(columns: readonly string[], cells: readonly string[], known: ReadonlySet<string>) {
  // An empty cell says nothing.
  const entries = columns.flatMap((column, index) => {
    const cell = cells[index] ?? "";
    return cell === "" ? [] : [[column, column === "tags" ? splitTags(cell) : cell] as const];
  });
  const metadata = entries.filter(([column]) => !known.has(column));
  return {
    ...Object.fromEntries(entries.filter(([column]) => known.has(column))),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  };
}

function splitTags(cell: string): string[] {
  return cell
    .split(";")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}
