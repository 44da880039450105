import type { RankOptions, Reranker, RerankerStatus, Scores } from "../reranker.ts";
import type { EmbeddingEngine } from "./engine.ts";

/** The reranking port over a cross-encoder in a process of this machine. */
export class LocalReranker implements Reranker {
  readonly model: string;
  readonly maxTokens: number;
  readonly #engine: EmbeddingEngine;

  constructor(engine: EmbeddingEngine, model: string, maxTokens: number) {
    this.#engine = engine;
    this.model = model;
    this.maxTokens = maxTokens;
  }

  get status(): RerankerStatus {
    return this.#engine.status;
  }

  async rank(query: string, documents: readonly string[], options?: RankOptions): Promise<number[]> {
    return (await this.score(query, documents, options)).scores;
  }

  async score(query: string, documents: readonly string[], options: RankOptions = {}): Promise<Scores> {
    if (documents.length === 0) return { scores: [], tokens: [] };
    const { vectors, tokens } = await this.#engine.rank(query, documents, options.signal);
    return { scores: vectors.map(([logit]) => sigmoid(logit as number)), tokens };
  }

  close(timeoutMs: number): Promise<void> {
    return this.#engine.close(timeoutMs);
  }
}

/** The output that a cross-encoder is trained to give: the probability that the text answers the question. */
function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
