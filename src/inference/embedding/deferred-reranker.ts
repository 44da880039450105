import { ApiError } from "../../errors.ts";
import type { RankOptions, Reranker, RerankerStatus, Scores } from "../reranker.ts";
import { Deferred, notReady } from "./deferred.ts";

/** The place of the reranker, which may not be configured. */
export class DeferredReranker extends Deferred<Reranker, RerankerStatus> implements Reranker {
  constructor() {
    super({ state: "none" });
  }

  get model(): string {
    return this.required.model;
  }

  get maxTokens(): number {
    return this.required.maxTokens;
  }

  async rank(query: string, documents: readonly string[], options?: RankOptions): Promise<number[]> {
    return this.required.rank(query, documents, options);
  }

  async score(query: string, documents: readonly string[], options?: RankOptions): Promise<Scores> {
    return this.required.score(query, documents, options);
  }

  protected override refusal(status: RerankerStatus): Error {
    if (status.state !== "none") return notReady(status, "reranker");
    return new ApiError(
      "not_implemented",
      "This server has no reranker: its operator has not set RERANK_MODEL.",
    );
  }
}
