/** The steps of building an index, each a short transaction that also notes how far the building is. */
import type { Database, Queries } from "../../../platform/store/database.ts";
import { embeddingOf, type IndexRecord, MAX_GRAPH_DIMENSIONS, partition } from "./index-record.ts";

/** How long a builder that shows no progress keeps its index: after that it is taken for dead. */
const CLAIM_SECONDS = 60;
/** Chunks one statement inserts: bounds the time that others wait for an embedded database. */
const ROWS_PER_STATEMENT = 100;
/** How many chunks are looked at to learn how common words are. */
const WORD_SAMPLE = 10_000;

/** The index is gone, or another server is building it. */
export class IndexTaken extends Error {
  override readonly name = "IndexTaken";
}

export interface NewChunk {
  readonly docId: string;
  readonly start: number;
  readonly end: number;
  readonly headingPath: readonly string[];
  readonly text: string;
  /** What full-text search reads. */
  readonly searchable: string;
}

/** Chunks of the next `records` documents, whose words are stemmed as in `language`. */
export interface NewChunks {
  readonly records: number;
  readonly chunks: readonly NewChunk[];
  readonly language: string;
}

/** A step of the building of `index` by `builder`, who has claimed it. */
export interface BuildStep {
  readonly database: Database;
  readonly index: IndexRecord;
  readonly builder: string;
}

export interface StoredChunk {
  readonly ordinal: number;
  readonly text: string;
}

/** Takes the index for `builder`. @returns false when another builder has taken it */
export async function claim(queries: Queries, index: IndexRecord, builder: string): Promise<boolean> {
  const rows = await queries.query(
    `UPDATE rag_indexes SET status = 'building', builder = $2, builder_until = now() + make_interval(secs => ${CLAIM_SECONDS})
     WHERE index_id = $1 AND (builder IS NULL OR builder = $2 OR builder_until < now()) RETURNING 1`,
    [index.indexId, builder],
  );
  return rows.length > 0;
}

/** Notes progress. @throws IndexTaken */
async function advance(
  queries: Queries,
  { index, builder }: BuildStep,
  set: string,
  values: readonly unknown[],
): Promise<void> {
  const rows = await queries.query(
    `UPDATE rag_indexes
     SET ${set}, builder_until = now() + make_interval(secs => ${CLAIM_SECONDS}), updated_at = now()
     WHERE index_id = $1 AND builder = $2 RETURNING 1`,
    [index.indexId, builder, ...values],
  );
  if (rows.length === 0) throw new IndexTaken();
}

/** Adds the chunks of the next documents. */
export async function addChunks(
  step: BuildStep,
  { records, chunks, language }: NewChunks,
): Promise<IndexRecord> {
  const { database, index } = step;
  const next = {
    ...index,
    chunkedRecords: index.chunkedRecords + records,
    chunks: index.chunks + chunks.length,
  };
  await database.transaction(async (queries) => {
    await advance(queries, step, "chunked_records = $3, chunks = $4", [next.chunkedRecords, next.chunks]);
    for (let from = 0; from < chunks.length; from += ROWS_PER_STATEMENT) {
      const rows = chunks
        .slice(from, from + ROWS_PER_STATEMENT)
        .map((chunk, offset) => ({ ...chunk, ordinal: index.chunks + from + offset }));
      await queries.query(
        `INSERT INTO ${partition("chunks", index.indexId)}
           (index_id, ordinal, doc_id, start_offset, end_offset, heading_path, text, words)
         SELECT $1, ordinal, "docId", start, "end", "headingPath", text, to_tsvector($3::regconfig, searchable)
         FROM json_to_recordset($2::json) AS chunk(ordinal int, "docId" text, start int, "end" int,
           "headingPath" json, text text, searchable text)`,
        [index.indexId, JSON.stringify(rows), language],
      );
    }
  });
  return next;
}

/** Chunks that have no vector yet, in order. */
export function chunksToEmbed(queries: Queries, index: IndexRecord, from: number, limit: number) {
  return queries.query<StoredChunk>(
    `SELECT ordinal, text FROM ${partition("chunks", index.indexId)}
     WHERE ordinal >= $1 ORDER BY ordinal LIMIT $2`,
    [from, limit],
  );
}

/** Adds the vectors of the chunks that come next. */
export async function addVectors(step: BuildStep, vectors: readonly Float32Array[]): Promise<IndexRecord> {
  const { database, index } = step;
  const next = { ...index, embeddedChunks: index.embeddedChunks + vectors.length };
  const rows = vectors.map((vector, offset) => ({
    ordinal: index.embeddedChunks + offset,
    embedding: vectorText(vector),
  }));
  await database.transaction(async (queries) => {
    await advance(queries, step, "embedded_chunks = $3", [next.embeddedChunks]);
    await queries.query(
      `INSERT INTO ${partition("vectors", index.indexId)} (index_id, ordinal, embedding)
       SELECT $1, ordinal, embedding::vector(${index.dimensions})
       FROM json_to_recordset($2::json) AS row(ordinal int, embedding text)`,
      [index.indexId, JSON.stringify(rows)],
    );
  });
  return next;
}

/** pgvector's text form, with the nine digits that tell any two 32-bit floats apart. */
export function vectorText(vector: Float32Array): string {
  return `[${Array.from(vector, (value) => Number(value.toPrecision(9))).join(",")}]`;
}

/** Gives the index a graph while it has no vectors yet: each batch then adds to it, and no statement takes long. */
export async function addGraph(step: BuildStep): Promise<IndexRecord> {
  const { database, index } = step;
  if (index.dimensions > MAX_GRAPH_DIMENSIONS) return index;
  const vectors = partition("vectors", index.indexId);
  await database.transaction(async (queries) => {
    await advance(queries, step, "has_graph = true", []);
    await queries.query(
      `CREATE INDEX ${vectors}_graph ON ${vectors} USING hnsw ((${embeddingOf(index)}) vector_cosine_ops)
       WITH (m = 16, ef_construction = 64)`,
    );
  });
  return { ...index, hasGraph: true };
}

/** Learns how common words are, and brings the planner up to date. */
export async function summarize(building: BuildStep): Promise<void> {
  const { database, index } = building;
  const chunks = partition("chunks", index.indexId);
  const step = Math.max(1, Math.ceil(index.chunks / WORD_SAMPLE));
  await database.transaction(async (queries) => {
    await advance(queries, building, "error = NULL", []);
    await queries.query(`DELETE FROM ${partition("words", index.indexId)}`);
    await queries.query(
      `INSERT INTO ${partition("words", index.indexId)} (index_id, word, share)
       SELECT $1, word, ndoc::real / $2
       FROM ts_stat('SELECT words FROM ${chunks} WHERE ordinal % ${step} = 0') WHERE ndoc > 1`,
      [index.indexId, Math.ceil(index.chunks / step)],
    );
  });
  await database.query("SELECT gin_clean_pending_list($1::regclass)", [`${chunks}_by_word`]);
  for (const kind of ["chunks", "vectors", "words"] as const)
    await database.query(`ANALYZE ${partition(kind, index.indexId)}`);
}
