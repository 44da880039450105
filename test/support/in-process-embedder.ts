import assert from "node:assert/strict";
import { EmbeddingHost } from "../../src/inference/embedding/host.ts";
import type { EmbedderNews, EmbeddingOptions } from "../../src/inference/embedding/protocol.ts";
import { monotonicMs } from "../../src/platform/clock.ts";

/** The embedding process's inside, in this process: the real model, driven step by step. */
export class InProcessEmbedder {
  readonly host: EmbeddingHost;

  constructor(network: EmbeddingOptions["network"]) {
    this.host = new EmbeddingHost(
      { network, libraryDirectory: undefined, threads: 1 },
      monotonicMs,
      () => {},
      () => {},
    );
  }

  /** Vectors of all texts, in one request. */
  embed(texts: readonly string[]): Float32Array[] {
    this.host.embed(1, texts);
    return this.#vectors();
  }

  rank(query: string, texts: readonly string[]): number[] {
    this.host.rank(1, query, texts);
    return this.#vectors().map((scores) => scores[0] as number);
  }

  /** Runs until nothing waits; what was completed, in that order. */
  run(): EmbedderNews[] {
    const news: EmbedderNews[] = [];
    while (this.host.hasWork) news.push(...this.host.step());
    return news;
  }

  #vectors(): Float32Array[] {
    const [news] = this.run();
    assert.equal(news?.type, "embedded");
    const { dimensions } = this.host.description;
    return news.tokens.map((_, row) => news.vectors.slice(row * dimensions, (row + 1) * dimensions));
  }
}
