import { parseJson } from "./json-text.ts";
import { type Piece, PieceBuilder, withoutMark } from "./pieces.ts";
import { type Bytes, type RawRecord, tooLarge } from "./raw-record.ts";

const NEWLINE = 0x0a;

/** One JSON value a line; empty lines are none. */
export async function* readJsonl(bytes: Bytes): AsyncIterable<RawRecord> {
  for await (const { bytes: content, line } of lines(bytes)) {
    if (content === undefined) yield tooLarge(line);
    else {
      const text = line === 1 ? withoutMark(content) : content;
      if (!isBlank(text)) yield parseJson(text, line);
    }
  }
}

async function* lines(bytes: Bytes): AsyncIterable<Piece> {
  const builder = new PieceBuilder();
  let line = 1;
  for await (const chunk of bytes) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      builder.add(chunk.subarray(from, to));
      yield { bytes: builder.take(), line: line++ };
      from = to + 1;
    }
    builder.add(chunk.subarray(from));
  }
  if (builder.length > 0) yield { bytes: builder.take(), line };
}

/** Nothing but the white space of JSON. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
