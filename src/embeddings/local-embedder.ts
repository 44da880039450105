import type { EmbeddingEngine } from "../inference/embedding/engine.ts";
import type { Embedder, Embeddings, EmbedOptions } from "./embedder.ts";

/** What is known of a model before its process has loaded it. */
export interface EmbeddingModel {
  readonly id: string;
  readonly model: string;
  readonly dimensions: number;
  readonly maxTokens: number;
}

/** The embeddings port over a process of this machine. */
export class LocalEmbedder implements Embedder {
  readonly id: string;
  readonly model: string;
  readonly dimensions: number;
  readonly maxTokens: number;
  readonly #engine: EmbeddingEngine;

  constructor(engine: EmbeddingEngine, { id, model, dimensions, maxTokens }: EmbeddingModel) {
    this.#engine = engine;
    this.id = id;
    this.model = model;
    this.dimensions = dimensions;
    this.maxTokens = maxTokens;
  }

  countTokens(texts: readonly string[]): Promise<number[]> {
    return this.#engine.countTokens(texts);
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Embeddings> {
    if (texts.length === 0) return { vectors: [], lengths: [], tokens: [] };
    const { vectors, tokens } = await this.#engine.embed(texts, options.signal);
    const lengths = vectors.map(lengthOf);
    return {
      vectors: vectors.map((vector, index) => scaled(vector, 1 / (lengths[index] as number))),
      lengths,
      tokens: [...tokens],
    };
  }

  detokenize(tokens: ReadonlyArray<readonly number[]>): Promise<string[]> {
    return this.#engine.detokenize(tokens);
  }

  close(timeoutMs: number): Promise<void> {
    return this.#engine.close(timeoutMs);
  }
}

export function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

/** `vector` times `factor`. */
export function scaled(vector: Float32Array, factor: number): Float32Array {
  return vector.map((value) => value * factor);
}
