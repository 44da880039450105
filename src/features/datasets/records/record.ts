import { isWellFormed } from "../../../platform/schema/well-formed.ts";
import { type DatasetType, type JsonObject, MAX_RECORD_BYTES } from "../dataset.ts";
import { readEvalRecord } from "./eval-record.ts";
import { isObject, requiredText } from "./fields.ts";
import { normalize } from "./normalize.ts";
import { RecordProblem } from "./problem.ts";
import { readRagRecord } from "./rag-record.ts";

const MAX_ID_LENGTH = 256;

export interface CheckedRecord {
  /** Undefined when the upload did not name it. */
  readonly recordId: string | undefined;
  /** The record as it is kept, as JSON. */
  readonly json: string;
}

/** @throws RecordProblem */
export function checkRecord(type: DatasetType, value: unknown): CheckedRecord {
  if (!isObject(value)) throw new RecordProblem("invalid_field_type", "", "must be a JSON object");
  const record = normalize(value) as JsonObject;
  const recordId = readId(record);
  const json = JSON.stringify(type === "rag_corpus" ? readRagRecord(record) : readEvalRecord(record));
  if (Buffer.byteLength(json) > MAX_RECORD_BYTES)
    throw new RecordProblem("record_too_large", "", `must have at most ${MAX_RECORD_BYTES} bytes as JSON`);
  return { recordId, json };
}

/** `record_id`, or `doc_id`, as collections of documents call it; whole numbers are common and count as text. */
function readId(record: JsonObject): string | undefined {
  const name = record["record_id"] === undefined ? "doc_id" : "record_id";
  const id = record[name] ?? undefined;
  if (id === undefined) return undefined;
  return requiredText(Number.isSafeInteger(id) ? String(id) : id, `/${name}`, MAX_ID_LENGTH);
}

/** The id of a refused record as far as it can be read; it lets the record's owner find it. */
export function nameOf(value: unknown): string | undefined {
  const id = isObject(value) ? (value["record_id"] ?? value["doc_id"]) : undefined;
  const text = typeof id === "number" ? String(id) : id;
  return typeof text === "string" && isWellFormed(text) ? text.slice(0, MAX_ID_LENGTH) : undefined;
}
