import type { Embedder } from "../../../inference/embedder.ts";
import type { Database, Queries } from "../../../platform/store/database.ts";
import { chunkDocument } from "../chunking/chunker.ts";
import { vectorText } from "../index/building.ts";
import { embeddingOf, type IndexRecord, partition } from "../index/index-record.ts";
import { fuse } from "./fusion.ts";
import { asked, type SearchWord, searchLexically, searchWords } from "./lexical.ts";
import { searchVectors } from "./vector.ts";

export const searchMethods = ["hybrid", "vector", "lexical"] as const;
export type SearchMethod = (typeof searchMethods)[number];

/** How many of each method's best the fusion looks at, at least. */
const CANDIDATES = 50;
/** Weight of the lexical ranking in the fusion; the vectors' is 1. Tuned on half of the evaluation set (docs/retrieval.md). */
const LEXICAL_WEIGHT = 2;

export interface FoundChunk {
  readonly ordinal: number;
  readonly docId: string;
  readonly start: number;
  readonly end: number;
  readonly headingPath: readonly string[];
  readonly text: string;
  /** 0 to 1 by the method that was asked for: the fusion's, the cosine, or the share of the question's words. */
  readonly score: number;
  /** Cosine with the question; undefined when the search was lexical only. */
  readonly similarity: number | undefined;
  /** Share of the question's significant words that the chunk has, 0 to 1. */
  readonly coverage: number;
}

export interface SearchRequest {
  readonly question: string;
  readonly method: SearchMethod;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Finds the chunks of one index that answer a question. */
export class Retriever {
  readonly #embedder: Embedder;
  readonly #language: string;

  constructor(embedder: Embedder, language: string) {
    this.#embedder = embedder;
    this.#language = language;
  }

  /** Best first. The index must be of the embedder's space, unless the search is lexical only. */
  async search(database: Database, index: IndexRecord, request: SearchRequest): Promise<FoundChunk[]> {
    const { question, method, limit, signal } = request;
    const vector = method === "lexical" ? undefined : await this.#vectorOf(question, signal);
    return database.transaction(async (queries) => {
      const words = await searchWords(queries, index, this.#language, question);
      const candidates = Math.max(CANDIDATES, limit);
      const rankings = [];
      if (vector !== undefined)
        rankings.push({ ordinals: await searchVectors(queries, index, vector, candidates), weight: 1 });
      if (method !== "vector") {
        const ordinals = await searchLexically(queries, index, words, candidates);
        rankings.push({ ordinals, weight: LEXICAL_WEIGHT });
      }
      const best = [...fuse(rankings)].slice(0, limit);
      const chunks = await readChunks(
        queries,
        index,
        best.map(([ordinal]) => ordinal),
        words,
        vector,
      );
      return best.flatMap(([ordinal, fused]) => {
        const chunk = chunks.get(ordinal);
        if (chunk === undefined) return [];
        const score =
          method === "hybrid" ? fused : method === "vector" ? (chunk.similarity ?? 0) : chunk.coverage;
        return [{ ...chunk, score: Number(score.toFixed(4)) }];
      });
    });
  }

  /** The question's vector; of one that is longer than the model takes, the mean of its parts' vectors. */
  async #vectorOf(question: string, signal: AbortSignal): Promise<Float32Array> {
    const embedder = this.#embedder;
    const parts = await chunkDocument(question, { budget: embedder.maxTokens, overlap: 0 }, (texts) =>
      embedder.countTokens(texts),
    );
    const { vectors } = await embedder.embed(
      parts.map(({ text }) => text),
      { signal, purpose: "query" },
    );
    const mean = new Float32Array(embedder.dimensions);
    for (const vector of vectors) {
      for (const [index, value] of vector.entries())
        mean[index] = (mean[index] ?? 0) + value / vectors.length;
    }
    return mean;
  }
}

async function readChunks(
  queries: Queries,
  index: IndexRecord,
  ordinals: readonly number[],
  words: readonly SearchWord[],
  vector: Float32Array | undefined,
): Promise<ReadonlyMap<number, Omit<FoundChunk, "score">>> {
  const similarity =
    vector === undefined
      ? "NULL"
      : `(SELECT 1 - (${embeddingOf(index)} <=> $3::vector(${index.dimensions}))
          FROM ${partition("vectors", index.indexId)} AS row WHERE row.ordinal = chunk.ordinal)`;
  const rows = await queries.query<
    Omit<FoundChunk, "score" | "similarity" | "coverage"> & {
      similarity: number | null;
      weight: number | null;
    }
  >(
    `SELECT ordinal, doc_id AS "docId", start_offset AS start, end_offset AS "end", heading_path AS "headingPath",
       text, ${similarity} AS similarity,
       (SELECT sum(weight) FROM json_to_recordset($2::json) AS asked(term tsquery, weight real)
        WHERE chunk.words @@ asked.term) AS weight
     FROM ${partition("chunks", index.indexId)} AS chunk
     WHERE ordinal IN (SELECT value::int FROM json_array_elements_text($1::json))`,
    [
      JSON.stringify(ordinals),
      JSON.stringify(asked(words)),
      ...(vector === undefined ? [] : [vectorText(vector)]),
    ],
  );
  const all = words.reduce((sum, { weight }) => sum + weight, 0);
  return new Map(
    rows.map(({ weight, similarity, ...chunk }) => [
      chunk.ordinal,
      { ...chunk, similarity: similarity ?? undefined, coverage: all === 0 ? 0 : (weight ?? 0) / all },
    ]),
  );
}
