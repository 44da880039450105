import { ApiError } from "../../../errors.ts";
import type { Embedder } from "../../../inference/embedder.ts";
import type { Reranker } from "../../../inference/reranker.ts";
import type { Database } from "../../../platform/store/database.ts";
import { QueryError } from "../../../platform/store/errors.ts";
import type { Corpora } from "../corpus.ts";
import { indexesOf } from "../index/indexes.ts";
import { type RetrievalSettings, recipeFor } from "../index/recipe.ts";
import { servedIndex } from "../index/served-index.ts";
import { isRelevant } from "./relevance.ts";
import { type FoundChunk, Retriever, type SearchRequest } from "./retriever.ts";

const UNDEFINED_TABLE = "42P01";
/** A reranker looks at this many times as many passages as are asked for, within bounds. */
const RERANKED_TIMES = 4;
const RERANKED_MOST = 50;

export interface CorpusSearchOptions {
  readonly database: () => Promise<Database>;
  readonly corpora: Corpora;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
  readonly settings: RetrievalSettings;
  /** `RELEVANCE_FLOOR`. */
  readonly similarityFloor: number;
}

export interface SearchResult {
  readonly indexId: number;
  /** Relevant ones, best first. */
  readonly chunks: readonly FoundChunk[];
  /** How many more were found and are not relevant. */
  readonly belowFloor: number;
  /** Ordered by the reranking model. */
  readonly reranked: boolean;
}

/** Searches a corpus in the index that is served for it. */
export class CorpusSearch {
  readonly #options: CorpusSearchOptions;
  readonly #retriever: Retriever;

  constructor(options: CorpusSearchOptions) {
    this.#options = options;
    this.#retriever = new Retriever(options.embedder, options.settings.language);
  }

  /** @throws ApiError when there is no such corpus, UnavailableError while its index is not ready */
  async search(datasetId: string, request: SearchRequest): Promise<SearchResult> {
    const { corpora, similarityFloor } = this.#options;
    await corpora.require(datasetId, "dataset_id");
    const wanted = this.#canRerank
      ? Math.min(RERANKED_MOST, Math.max(request.limit, RERANKED_TIMES * request.limit))
      : request.limit;
    const find = () => this.#find(datasetId, { ...request, limit: wanted });
    const { indexId, found } = await find().catch((error: unknown) => {
      // Between choosing and reading it, another index took this one's place.
      if (error instanceof QueryError && error.sqlState === UNDEFINED_TABLE) return find();
      throw error;
    });
    const relevant = found.filter((chunk) => isRelevant(chunk, request.method, similarityFloor));
    const reranked = this.#canRerank ? await this.#rerank(relevant, request) : undefined;
    return {
      indexId,
      chunks: (reranked ?? relevant).slice(0, request.limit),
      belowFloor: found.length - relevant.length,
      reranked: reranked !== undefined,
    };
  }

  async #find(datasetId: string, request: SearchRequest) {
    const { embedder, settings } = this.#options;
    const database = await this.#options.database();
    const indexes = await indexesOf(database, datasetId);
    const index = servedIndex(indexes, recipeFor(embedder, settings), request.method !== "lexical");
    return { indexId: index.indexId, found: await this.#retriever.search(database, index, request) };
  }

  get #canRerank(): boolean {
    return ["ready", "idle"].includes(this.#options.reranker.status.state);
  }

  /** Undefined when the question leaves no room for passages in the reranking model's window. */
  async #rerank(
    chunks: readonly FoundChunk[],
    { question, signal }: SearchRequest,
  ): Promise<FoundChunk[] | undefined> {
    const texts = chunks.map(({ headingPath, text }) => [...headingPath, text].join("\n"));
    try {
      const scores = await this.#options.reranker.rank(question, texts, { signal });
      return chunks
        .map((chunk, index) => ({ ...chunk, score: Number((scores[index] ?? 0).toFixed(4)) }))
        .sort((a, b) => b.score - a.score);
    } catch (error) {
      if (error instanceof ApiError && error.code === "context_length_exceeded") return undefined;
      throw error;
    }
  }
}
