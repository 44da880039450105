import { UnavailableError } from "../../errors.ts";
import type { Embedder, EmbeddingStatus, Embeddings, EmbedOptions } from "../embedder.ts";

/**
 * Stands in for an embedder whose model is still being found, downloaded or loaded, and passes everything on once it
 * is there.
 */
export class DeferredEmbedder implements Embedder {
  #embedder: Embedder | undefined;
  #status: EmbeddingStatus = { state: "loading" };

  /** From now on `embedder` answers. */
  become(embedder: Embedder): void {
    this.#embedder = embedder;
  }

  failed(message: string): void {
    this.#status = { state: "failed", message };
  }

  get status(): EmbeddingStatus {
    return this.#embedder?.status ?? this.#status;
  }

  get id(): string {
    return this.#required().id;
  }

  get model(): string {
    return this.#required().model;
  }

  get dimensions(): number {
    return this.#required().dimensions;
  }

  get maxTokens(): number {
    return this.#required().maxTokens;
  }

  get shortenable(): boolean {
    return this.#required().shortenable;
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return this.#required().countTokens(texts);
  }

  async embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings> {
    return this.#required().embed(texts, options);
  }

  async detokenize(tokens: ReadonlyArray<readonly number[]>): Promise<string[]> {
    return this.#required().detokenize(tokens);
  }

  async close(timeoutMs: number): Promise<void> {
    await this.#embedder?.close(timeoutMs);
  }

  #required(): Embedder {
    if (this.#embedder !== undefined) return this.#embedder;
    throw notReady(this.#status, "embedding model");
  }
}

/** Why a model that is not there can't be used, as the client is told. */
export function notReady({ state, message }: EmbeddingStatus, what: string): UnavailableError {
  if (state === "failed") {
    return new UnavailableError("model_unavailable", `The ${what} can't be served: ${message}`, {
      retryAfterSeconds: 30,
    });
  }
  return new UnavailableError("loading_model", `The ${what} is not ready yet.`);
}
