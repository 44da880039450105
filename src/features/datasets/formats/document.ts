import { isUtf8 } from "node:buffer";
import { withoutMark } from "./pieces.ts";
import { type Bytes, type RawRecord, unreadable } from "./raw-record.ts";

/** Bytes of one part of a long document: well below what a record may have, escapes included. */
const PART_BYTES = 120 * 1024;

/**
 * A plain or Markdown text as records: one, or, when it is longer than a record may be, several in its order, cut
 * between sections, paragraphs, lines or words, whichever is there.
 */
export async function* readDocument(bytes: Bytes, fileName: string): AsyncIterable<RawRecord> {
  let part = 1;
  let line = 1;
  for await (const content of parts(bytes)) {
    const text = part === 1 ? withoutMark(content) : content;
    if (!isUtf8(text)) yield unreadable("invalid_encoding", `part ${part} is not valid UTF-8`, line);
    else if (text.length > 0) {
      const value = {
        record_id: part === 1 ? fileName : `${fileName}#${part}`,
        title: fileName,
        text: text.toString("utf8"),
        metadata: { source: fileName, ...(part > 1 && { part }) },
      };
      yield { type: "value", value, line };
    }
    line += count(content, NEWLINE);
    part++;
  }
}

async function* parts(bytes: Bytes): AsyncIterable<Buffer> {
  let waiting = Buffer.alloc(0);
  for await (const chunk of bytes) {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length > PART_BYTES) {
      const end = cutPoint(waiting.subarray(0, PART_BYTES));
      yield waiting.subarray(0, end);
      waiting = waiting.subarray(end);
    }
  }
  if (waiting.length > 0) yield waiting;
}

const NEWLINE = 0x0a;

/** Where to end a part: before a heading, after a paragraph, a line or a word in its second half, else anywhere. */
function cutPoint(bytes: Buffer): number {
  const half = bytes.length / 2;
  const heading = bytes.lastIndexOf("\n#") + 1;
  if (heading > half) return heading;
  for (const end of ["\n\n", "\n", " "]) {
    const after = bytes.lastIndexOf(end) + end.length;
    if (after > half) return after;
  }
  // Not inside a character: 10xxxxxx continues one, and at most three of them follow.
  let end = bytes.length;
  while (end > bytes.length - 4 && ((bytes[end - 1] ?? 0) & 0xc0) === 0x80) end--;
  return end > 1 ? end - 1 : bytes.length;
}

function count(bytes: Buffer, byte: number): number {
  let found = 0;
  for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) found++;
  return found;
}
