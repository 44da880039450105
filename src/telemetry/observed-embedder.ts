import type { Embedder, Embeddings, EmbedOptions } from "../inference/embedder.ts";
import { EmbedderDecorator } from "../inference/embedding/embedder-decorator.ts";
import type { Metrics } from "./metrics.ts";

/** An embedder whose every call is counted, whichever feature made it. */
export class ObservedEmbedder extends EmbedderDecorator {
  readonly #metrics: Metrics;

  constructor(inner: Embedder, metrics: Metrics) {
    super(inner);
    this.#metrics = metrics;
  }

  async embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings> {
    const startedAt = performance.now();
    const embeddings = await this.inner.embed(texts, options);
    const tokens = embeddings.tokens.reduce((sum, count) => sum + count, 0);
    this.#metrics.embedded(texts.length, tokens, performance.now() - startedAt);
    return embeddings;
  }
}
