import type { Database, Queries } from "../../../platform/store/database.ts";
import { type IndexRecipe, type IndexRecord, MAX_GRAPH_DIMENSIONS, partition } from "./index-record.ts";

const columns = `index_id AS "indexId", dataset_id AS "datasetId", embedder_id AS "embedderId", model, dimensions, method,
  status, records, chunked_records AS "chunkedRecords", chunks, embedded_chunks AS "embeddedChunks",
  has_graph AS "hasGraph", error`;

/** The index that is served and the one that is being built, newest first. */
export async function indexesOf(queries: Queries, datasetId: string): Promise<IndexRecord[]> {
  const rows = await queries.query<IndexRecord & { error: string | null }>(
    `SELECT ${columns} FROM rag_indexes WHERE dataset_id = $1 ORDER BY index_id DESC`,
    [datasetId],
  );
  return rows.map((row) => ({ ...row, error: row.error ?? undefined }));
}

/** Begins an index with its tables, unless one of the same recipe is there. */
export async function createIndex(
  database: Database,
  corpus: { readonly datasetId: string; readonly records: number },
  recipe: IndexRecipe,
): Promise<void> {
  const { embedderId, model, dimensions, method } = recipe;
  await database.transaction(async (queries) => {
    const [created] = await queries.query<{ indexId: number }>(
      `INSERT INTO rag_indexes (dataset_id, embedder_id, model, dimensions, method, status, records)
       SELECT dataset_id, $2, $3, $4, $5, 'building', $6 FROM datasets WHERE dataset_id = $1
       ON CONFLICT DO NOTHING RETURNING index_id AS "indexId"`,
      [corpus.datasetId, embedderId, model, dimensions, method, corpus.records],
    );
    if (created === undefined) return;
    const { indexId } = created;
    for (const kind of ["chunks", "vectors", "words"] as const) {
      await queries.query(
        `CREATE TABLE ${partition(kind, indexId)} PARTITION OF rag_${kind} FOR VALUES IN (${indexId})`,
      );
    }
    const chunks = partition("chunks", indexId);
    // What is not sorted into the index yet stays short (512 kB): no addition takes long.
    await queries.query(
      `CREATE INDEX ${chunks}_by_word ON ${chunks} USING gin (words) WITH (gin_pending_list_limit = 512)`,
    );
    if (dimensions > MAX_GRAPH_DIMENSIONS) {
      // Too long to stay in its row, which must fit a page.
      await queries.query(
        `ALTER TABLE ${partition("vectors", indexId)} ALTER embedding SET STORAGE EXTERNAL`,
      );
    }
  });
}

/** From now on this index is served, and the dataset's others are gone. */
export async function publishIndex(database: Database, index: IndexRecord): Promise<void> {
  await database.transaction(async (queries) => {
    await queries.query(
      `UPDATE rag_indexes SET status = 'ready', error = NULL, builder = NULL, updated_at = now() WHERE index_id = $1`,
      [index.indexId],
    );
    const others = await queries.query<{ indexId: number }>(
      `DELETE FROM rag_indexes WHERE dataset_id = $1 AND index_id <> $2 RETURNING index_id AS "indexId"`,
      [index.datasetId, index.indexId],
    );
    for (const { indexId } of others) await dropTables(queries, indexId);
  });
}

export async function failIndex(database: Database, index: IndexRecord, error: string): Promise<void> {
  await database.query(
    `UPDATE rag_indexes SET status = 'failed', error = $2, builder = NULL, updated_at = now() WHERE index_id = $1`,
    [index.indexId, error],
  );
}

/** Removes the tables of indexes whose dataset is gone. */
export async function dropOrphans(database: Database): Promise<void> {
  const orphans = await database.query<{ indexId: number }>(
    // Not by its place in the name: Postgres may read the names of other tables before it leaves them out.
    `SELECT DISTINCT substring(child.relname FROM '_(\\d+)$')::bigint AS "indexId"
     FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
     WHERE inhparent IN ('rag_chunks'::regclass, 'rag_vectors'::regclass, 'rag_words'::regclass)
       AND substring(child.relname FROM '_(\\d+)$')::bigint NOT IN (SELECT index_id FROM rag_indexes)`,
  );
  for (const { indexId } of orphans) await database.transaction((queries) => dropTables(queries, indexId));
}

async function dropTables(queries: Queries, indexId: number): Promise<void> {
  for (const kind of ["chunks", "vectors", "words"] as const)
    await queries.query(`DROP TABLE IF EXISTS ${partition(kind, indexId)}`);
}
