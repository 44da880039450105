import type { Embedder, Embeddings, EmbedOptions } from "../embeddings/embedder.ts";
import type { Metrics } from "./metrics.ts";

/** An embedder whose every call is counted, whichever feature made it. */
export class ObservedEmbedder implements Embedder {
  readonly #embedder: Embedder;
  readonly #metrics: Metrics;

  constructor(embedder: Embedder, metrics: Metrics) {
    this.#embedder = embedder;
    this.#metrics = metrics;
  }

  get id(): string {
    return this.#embedder.id;
  }

  get model(): string {
    return this.#embedder.model;
  }

  get dimensions(): number {
    return this.#embedder.dimensions;
  }

  get maxTokens(): number {
    return this.#embedder.maxTokens;
  }

  countTokens(texts: readonly string[]): Promise<number[]> {
    return this.#embedder.countTokens(texts);
  }

  async embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings> {
    const startedAt = performance.now();
    const embeddings = await this.#embedder.embed(texts, options);
    const tokens = embeddings.tokens.reduce((sum, count) => sum + count, 0);
    this.#metrics.embedded(texts.length, tokens, performance.now() - startedAt);
    return embeddings;
  }

  detokenize(tokens: ReadonlyArray<readonly number[]>): Promise<string[]> {
    return this.#embedder.detokenize(tokens);
  }

  close(timeoutMs: number): Promise<void> {
    return this.#embedder.close(timeoutMs);
  }
}
