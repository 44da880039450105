import type { Embedder, EmbeddingStatus, Embeddings, EmbedOptions } from "../embedder.ts";

/** An embedder around another one, the same but for what its subclass does differently. */
export abstract class EmbedderDecorator implements Embedder {
  protected readonly inner: Embedder;

  constructor(inner: Embedder) {
    this.inner = inner;
  }

  get status(): EmbeddingStatus {
    return this.inner.status;
  }

  get id(): string {
    return this.inner.id;
  }

  get model(): string {
    return this.inner.model;
  }

  get dimensions(): number {
    return this.inner.dimensions;
  }

  get maxTokens(): number {
    return this.inner.maxTokens;
  }

  get shortenable(): boolean {
    return this.inner.shortenable;
  }

  countTokens(texts: readonly string[]): Promise<number[]> {
    return this.inner.countTokens(texts);
  }

  abstract embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings>;

  detokenize(tokens: ReadonlyArray<readonly number[]>): Promise<string[]> {
    return this.inner.detokenize(tokens);
  }

  close(timeoutMs: number): Promise<void> {
    return this.inner.close(timeoutMs);
  }
}
