import type { EmbeddingStatus } from "./embedder.ts";

/** The reranking port: what the features above know of judging texts by a question. */
export interface Reranker {
  readonly status: RerankerStatus;
  readonly model: string;
  /** Tokens of a question and one text together. */
  readonly maxTokens: number;
  /**
   * How relevant each document is to the query, 0 to 1, in the documents' order.
   * @throws ApiError `not_implemented` when no model is configured; `context_length_exceeded` whose `details.index`
   * names a document that is too long beside the query; UnavailableError
   */
  rank(query: string, documents: readonly string[], options?: RankOptions): Promise<number[]>;
  /** The same, with what it took. */
  score(query: string, documents: readonly string[], options?: RankOptions): Promise<Scores>;
  close(timeoutMs: number): Promise<void>;
}

export interface RankOptions {
  readonly signal?: AbortSignal;
}

export interface Scores {
  readonly scores: number[];
  /** Tokens of each pair of query and document. */
  readonly tokens: readonly number[];
}

/** `none`: no model is configured. */
export type RerankerStatus = EmbeddingStatus | { readonly state: "none" };
