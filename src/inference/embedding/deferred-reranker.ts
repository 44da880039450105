import { ApiError } from "../../errors.ts";
import type { RankOptions, Reranker, RerankerStatus, Scores } from "../reranker.ts";
import { notReady } from "./deferred-embedder.ts";

/** Stands in for a reranker that is still being loaded, or that nobody has configured. */
export class DeferredReranker implements Reranker {
  #reranker: Reranker | undefined;
  #status: RerankerStatus = { state: "none" };

  loading(): void {
    this.#status = { state: "loading" };
  }

  /** From now on `reranker` answers. */
  become(reranker: Reranker): void {
    this.#reranker = reranker;
  }

  failed(message: string): void {
    this.#status = { state: "failed", message };
  }

  get status(): RerankerStatus {
    return this.#reranker?.status ?? this.#status;
  }

  get model(): string {
    return this.#required().model;
  }

  get maxTokens(): number {
    return this.#required().maxTokens;
  }

  async rank(query: string, documents: readonly string[], options?: RankOptions): Promise<number[]> {
    return this.#required().rank(query, documents, options);
  }

  async score(query: string, documents: readonly string[], options?: RankOptions): Promise<Scores> {
    return this.#required().score(query, documents, options);
  }

  async close(timeoutMs: number): Promise<void> {
    await this.#reranker?.close(timeoutMs);
  }

  #required(): Reranker {
    if (this.#reranker !== undefined) return this.#reranker;
    if (this.#status.state === "none") {
      throw new ApiError(
        "not_implemented",
        "This server has no reranker: its operator has not set RERANK_MODEL.",
      );
    }
    throw notReady(this.#status, "reranker");
  }
}
