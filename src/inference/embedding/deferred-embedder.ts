import type { Embedder, EmbeddingStatus, Embeddings, EmbedOptions } from "../embedder.ts";
import { Deferred, notReady } from "./deferred.ts";

/** The place of the embedding model. */
export class DeferredEmbedder extends Deferred<Embedder, EmbeddingStatus> implements Embedder {
  constructor() {
    super({ state: "loading" });
  }

  get id(): string {
    return this.required.id;
  }

  get model(): string {
    return this.required.model;
  }

  get dimensions(): number {
    return this.required.dimensions;
  }

  get maxTokens(): number {
    return this.required.maxTokens;
  }

  get shortenable(): boolean {
    return this.required.shortenable;
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return this.required.countTokens(texts);
  }

  async embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings> {
    return this.required.embed(texts, options);
  }

  async detokenize(tokens: ReadonlyArray<readonly number[]>): Promise<string[]> {
    return this.required.detokenize(tokens);
  }

  protected override refusal(status: EmbeddingStatus): Error {
    return notReady(status, "embedding model");
  }
}
