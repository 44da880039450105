export const datasetTypes = ["rag_corpus", "eval_set"] as const;
export type DatasetType = (typeof datasetTypes)[number];

export const datasetStatuses = ["processing", "ready", "failed"] as const;
export type DatasetStatus = (typeof datasetStatuses)[number];

/** Records a dataset may have. */
export const MAX_RECORDS = 50_000;
/** Bytes of one record as JSON in UTF-8. */
export const MAX_RECORD_BYTES = 256 * 1024;
/** Refused records that are listed; all are counted. */
export const MAX_LISTED_ERRORS = 100;

export type JsonObject = { readonly [key: string]: unknown };

/** A named, ordered, unchanging list of records. */
export interface Dataset {
  readonly datasetId: string;
  readonly name: string;
  readonly type: DatasetType;
  readonly status: DatasetStatus;
  /** 0 to 1; below 1 only while the upload is being stored. */
  readonly progress: number;
  readonly metadata: JsonObject;
  readonly recordCount: number;
  readonly rejectedCount: number;
  /** The first `MAX_LISTED_ERRORS`. */
  readonly recordErrors: readonly RecordError[];
  /** SHA-256 over the records in their order; undefined until the dataset is ready. */
  readonly contentHash: string | undefined;
  readonly error: string | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A document of a `rag_corpus`. */
export interface RagData extends JsonObject {
  readonly text: string;
  readonly title?: string;
  readonly metadata?: JsonObject;
}

/** A case of an `eval_set`. */
export interface EvalData extends JsonObject {
  readonly input: { readonly prompt: string; readonly [key: string]: unknown };
  readonly reference?: { readonly answer: string; readonly [key: string]: unknown };
  readonly context?: string | readonly string[];
  readonly tags?: readonly string[];
  readonly expected?: JsonObject;
  readonly metadata?: JsonObject;
}

export interface DatasetRecord<Data extends JsonObject = JsonObject> {
  /** From 0, without gaps. */
  readonly position: number;
  readonly recordId: string;
  readonly data: Data;
}

export const recordErrorCodes = [
  "missing_required_field",
  "invalid_field_type",
  "value_out_of_range",
  "string_too_long",
  "invalid_enum_value",
  "duplicate_record_id",
  "record_too_large",
  "invalid_encoding",
] as const;
export type RecordErrorCode = (typeof recordErrorCodes)[number];

/** Why a record was refused, and where it stands. */
export interface RecordError {
  /** Number of the record in the upload, from 0, the good ones counted too. */
  readonly index: number;
  readonly recordId: string | undefined;
  readonly code: RecordErrorCode;
  readonly message: string;
  /** JSON pointer into the record. */
  readonly path: string;
  /** In the file, from 1. */
  readonly line: number | undefined;
}
