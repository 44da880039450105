import { isUtf8 } from "node:buffer";
import { type RawRecord, unreadable } from "./raw-record.ts";

/** Bytes that should be one JSON value. */
export function parseJson(bytes: Buffer, line?: number): RawRecord {
  if (!isUtf8(bytes)) return unreadable("invalid_encoding", "is not valid UTF-8", line);
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return { type: "value", value, ...(line !== undefined && { line }) };
  } catch (error) {
    return unreadable("invalid_field_type", `is not JSON: ${(error as Error).message}`, line);
  }
}
