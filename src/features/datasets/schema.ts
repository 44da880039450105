import { type Static, Type } from "typebox";
import { OneOf } from "../../platform/schema/one-of.ts";
import {
  type Dataset,
  type DatasetRecord,
  datasetStatuses,
  datasetTypes,
  recordErrorCodes,
} from "./dataset.ts";
import { toWire } from "./ingestion.ts";

const Name = Type.String({ minLength: 1, maxLength: 200, pattern: "\\S", format: "text" });
const DatasetTypeName = OneOf(datasetTypes, {
  description: "`rag_corpus`: documents to answer from. `eval_set`: prompts with references.",
});
const Metadata = Type.Record(Type.String(), Type.Unknown(), {
  description: "Anything; kept and given back.",
});

/** What both ways of uploading say of the dataset. */
export const DatasetFields = Type.Object({
  name: Name,
  type: DatasetTypeName,
  metadata: Type.Optional(Metadata),
});

export type DatasetFields = Static<typeof DatasetFields>;

export const DatasetBody = Type.Object({
  ...DatasetFields.properties,
  // What is in them is checked one by one: a bad record does not sink the others.
  records: Type.Array(Type.Unknown(), {
    minItems: 1,
    maxItems: 50_000,
    description:
      "`rag_corpus`: `{record_id?, text, title?, metadata?}`. `eval_set`: `{record_id?, input: {prompt}, reference?: {answer}, context?, tags?, expected?, metadata?}`, or in short `{prompt, reference?}`.",
  }),
});
export type DatasetBody = Static<typeof DatasetBody>;

/** For documentation: a form is not validated as a body; it is read as it arrives, and its fields are checked by `DatasetFields`. */
export const DatasetForm = {
  type: ["object", "null"],
  properties: {
    ...DatasetFields.properties,
    metadata: Type.String({ description: "A JSON object as text." }),
    file: Type.String({
      format: "binary",
      description: "`.jsonl`, `.json`, `.csv`; for a `rag_corpus` also `.txt`, `.md`, `.pdf`.",
    }),
  },
  required: ["name", "type", "file"],
};

const RecordErrorAnswer = Type.Object({
  index: Type.Integer({ description: "Number of the record in the upload, from 0." }),
  record_id: Type.Union([Type.String(), Type.Null()]),
  code: OneOf(recordErrorCodes),
  message: Type.String(),
  path: Type.String({ description: "JSON pointer into the record." }),
  line: Type.Optional(Type.Integer({ description: "Line of the file, from 1." })),
  severity: Type.Literal("error"),
});

export const DatasetAnswer = Type.Object({
  dataset_id: Type.String(),
  name: Type.String(),
  type: Type.String(),
  status: OneOf(datasetStatuses),
  progress: Type.Number({ description: "0 to 1." }),
  records_count: Type.Integer(),
  record_count: Type.Integer({ description: "The same." }),
  rejected_count: Type.Integer(),
  record_errors: Type.Array(RecordErrorAnswer, { description: "The first 100 records that were refused." }),
  content_hash: Type.Union([Type.String(), Type.Null()], {
    description: "SHA-256 over the records in their order.",
  }),
  metadata: Metadata,
  error: Type.Union([Type.String(), Type.Null()]),
  created_at: Type.String(),
  updated_at: Type.String(),
});
export type DatasetAnswer = Static<typeof DatasetAnswer>;

export function toDatasetAnswer(dataset: Dataset): DatasetAnswer {
  return {
    dataset_id: dataset.datasetId,
    name: dataset.name,
    type: dataset.type,
    status: dataset.status,
    progress: dataset.progress,
    records_count: dataset.recordCount,
    record_count: dataset.recordCount,
    rejected_count: dataset.rejectedCount,
    record_errors: dataset.recordErrors.map(toWire),
    content_hash: dataset.contentHash ?? null,
    metadata: dataset.metadata,
    error: dataset.error ?? null,
    created_at: dataset.createdAt.toISOString(),
    updated_at: dataset.updatedAt.toISOString(),
  };
}

export const RecordAnswer = Type.Object(
  { position: Type.Integer({ description: "From 0." }), record_id: Type.String() },
  { additionalProperties: true, description: "And the record's own fields." },
);

export function toRecordAnswer({ position, recordId, data }: DatasetRecord) {
  return { position, record_id: recordId, ...data };
}
