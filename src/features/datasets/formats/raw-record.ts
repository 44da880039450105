import type { RecordErrorCode } from "../dataset.ts";

/** One record of a file: a value to check, or why there is none. */
export type RawRecord =
  | { readonly type: "value"; readonly value: unknown; readonly line?: number }
  | {
      readonly type: "unreadable";
      readonly code: RecordErrorCode;
      readonly message: string;
      readonly line?: number;
    };

/**
 * Bytes that one record may take in a file before it is given up: four times what a record may have, for escapes and
 * white space. More of a file is never held in memory.
 */
export const MAX_RAW_BYTES = 1024 * 1024;

/** What a format reads: the file from its beginning, in chunks. */
export type Bytes = AsyncIterable<Uint8Array>;

export function tooLarge(line?: number): RawRecord {
  return unreadable("record_too_large", `takes more than ${MAX_RAW_BYTES} bytes in the file`, line);
}

export function unreadable(code: RecordErrorCode, message: string, line?: number): RawRecord {
  return { type: "unreadable", code, message, ...(line !== undefined && { line }) };
}
