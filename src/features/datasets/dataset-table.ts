import type { Database, Queries } from "../../platform/store/database.ts";
import type {
  Dataset,
  DatasetRecord,
  DatasetStatus,
  DatasetType,
  JsonObject,
  RecordError,
} from "./dataset.ts";

/** The SQL of datasets; who may do what when is for the service. */

const columns = `dataset_id AS "datasetId", position, name, type, status, progress, metadata,
  record_count AS "recordCount", rejected_count AS "rejectedCount", record_errors AS "recordErrors",
  content_hash AS "contentHash", error, created_at AS "createdAt", updated_at AS "updatedAt"`;

/** A dataset with its place in the list of all. */
export type ListedDataset = Dataset & { readonly position: number };
type Row = Omit<ListedDataset, "contentHash" | "error"> & {
  readonly contentHash: string | null;
  readonly error: string | null;
};

const toDataset = (row: Row): ListedDataset => ({
  ...row,
  contentHash: row.contentHash ?? undefined,
  error: row.error ?? undefined,
});

export interface NewDataset {
  readonly datasetId: string;
  readonly name: string;
  readonly type: DatasetType;
  readonly metadata: JsonObject;
}

export async function insertDataset(queries: Queries, dataset: NewDataset): Promise<void> {
  await queries.query(
    `INSERT INTO datasets (dataset_id, name, type, status, metadata) VALUES ($1, $2, $3, 'processing', $4::json)`,
    [dataset.datasetId, dataset.name, dataset.type, JSON.stringify(dataset.metadata)],
  );
}

export interface NewRecord {
  readonly position: number;
  readonly recordId: string;
  /** The record as JSON. */
  readonly json: string;
}

export interface DatasetCounts {
  readonly recordCount: number;
  readonly rejectedCount: number;
  readonly recordErrors: readonly RecordError[];
  readonly progress: number;
}

/** Adds a batch of records and says how far the upload is. */
export async function appendRecords(
  database: Database,
  datasetId: string,
  records: readonly NewRecord[],
  counts: DatasetCounts,
): Promise<void> {
  // One parameter for them all; `data` is inserted as text, which keeps it as it was written.
  const batch = records.map(
    ({ position, recordId, json }) =>
      `{"position":${position},"record_id":${JSON.stringify(recordId)},"data":${json}}`,
  );
  await database.transaction(async (queries) => {
    await updateCounts(queries, datasetId, counts);
    await queries.query(
      `INSERT INTO dataset_records (dataset_id, position, record_id, data)
       SELECT $1, position, record_id, data
       FROM json_to_recordset($2::json) AS batch (position integer, record_id text, data json)`,
      [datasetId, `[${batch.join(",")}]`],
    );
  });
}

async function updateCounts(queries: Queries, datasetId: string, counts: DatasetCounts): Promise<void> {
  await queries.query(
    `UPDATE datasets SET record_count = $2, rejected_count = $3, record_errors = $4::json, progress = $5, updated_at = now()
     WHERE dataset_id = $1`,
    [
      datasetId,
      counts.recordCount,
      counts.rejectedCount,
      JSON.stringify(counts.recordErrors),
      counts.progress,
    ],
  );
}

/** Everything is there: from now on the dataset is one. */
export async function finishDataset(
  database: Database,
  datasetId: string,
  counts: DatasetCounts,
  contentHash: string,
): Promise<void> {
  await database.transaction(async (queries) => {
    await updateCounts(queries, datasetId, counts);
    await queries.query("UPDATE datasets SET status = 'ready', content_hash = $2 WHERE dataset_id = $1", [
      datasetId,
      contentHash,
    ]);
  });
}

export async function findDataset(queries: Queries, datasetId: string): Promise<ListedDataset | undefined> {
  const [row] = await queries.query<Row>(`SELECT ${columns} FROM datasets WHERE dataset_id = $1`, [
    datasetId,
  ]);
  return row === undefined ? undefined : toDataset(row);
}

export interface DatasetFilter {
  readonly type: DatasetType | undefined;
  readonly status: DatasetStatus | undefined;
}

/** Newest first, those before `before`. */
export async function listDatasets(
  queries: Queries,
  { type, status }: DatasetFilter,
  before: number | undefined,
  limit: number,
): Promise<ListedDataset[]> {
  const rows = await queries.query<Row>(
    `SELECT ${columns} FROM datasets
     WHERE ($1::text IS NULL OR type = $1) AND ($2::text IS NULL OR status = $2) AND ($3::bigint IS NULL OR position < $3)
     ORDER BY position DESC LIMIT $4`,
    [type ?? null, status ?? null, before ?? null, limit],
  );
  return rows.map(toDataset);
}

/** Records from position `from` on, in their order. */
export async function selectRecords<Data extends JsonObject>(
  queries: Queries,
  datasetId: string,
  from: number,
  limit: number,
): Promise<DatasetRecord<Data>[]> {
  return queries.query(
    `SELECT position, record_id AS "recordId", data FROM dataset_records
     WHERE dataset_id = $1 AND position >= $2::bigint ORDER BY position LIMIT $3`,
    [datasetId, from, limit],
  );
}

/** @returns whether there was one */
export async function deleteDataset(queries: Queries, datasetId: string): Promise<boolean> {
  const rows = await queries.query("DELETE FROM datasets WHERE dataset_id = $1 RETURNING dataset_id", [
    datasetId,
  ]);
  return rows.length > 0;
}

/**
 * Marks abandoned uploads: those without news for `idleSeconds`, except the ones in `alive`. What they
 * had stored is removed.
 */
export async function failAbandoned(
  database: Database,
  alive: readonly string[],
  idleSeconds: number,
): Promise<number> {
  return database.transaction(async (queries) => {
    const rows = await queries.query<{ datasetId: string }>(
      `UPDATE datasets SET status = 'failed', record_count = 0, updated_at = now(),
         error = 'The server ended while this was being stored. Upload it again.'
       WHERE status = 'processing' AND updated_at <= now() - make_interval(secs => $1)
         AND dataset_id NOT IN (SELECT json_array_elements_text($2::json))
       RETURNING dataset_id AS "datasetId"`,
      [idleSeconds, JSON.stringify(alive)],
    );
    await queries.query(
      "DELETE FROM dataset_records WHERE dataset_id IN (SELECT json_array_elements_text($1::json))",
      [JSON.stringify(rows.map(({ datasetId }) => datasetId))],
    );
    return rows.length;
  });
}
