import type { Queries } from "../../../platform/store/database.ts";
import { vectorText } from "../index/building.ts";
import { embeddingOf, type IndexRecord, partition } from "../index/index-record.ts";

/** Candidates that the walk through the graph keeps: more finds more of the true neighbours and takes longer. */
const GRAPH_BREADTH = 100;

/** Chunks by the cosine of their vector with `vector`, nearest first. To be run in a transaction. */
export async function searchVectors(
  queries: Queries,
  index: IndexRecord,
  vector: Float32Array,
  limit: number,
): Promise<number[]> {
  if (index.hasGraph) {
    await queries.query("SELECT set_config('hnsw.ef_search', $1, true)", [
      String(Math.max(GRAPH_BREADTH, limit)),
    ]);
  }
  const rows = await queries.query<{ ordinal: number }>(
    `SELECT ordinal FROM ${partition("vectors", index.indexId)}
     ORDER BY ${embeddingOf(index)} <=> $1::vector(${index.dimensions}) LIMIT $2`,
    [vectorText(vector), limit],
  );
  return rows.map(({ ordinal }) => ordinal);
}
