import type { Embedder, EmbeddingStatus, Embeddings, EmbedOptions } from "../embedder.ts";
import type { EmbeddingEngine } from "./engine.ts";
import type { EmbeddingProfile } from "./profiles.ts";

/** A model's facts, which some know before its process has loaded it. */
export interface EmbeddingModel {
  readonly id: string;
  readonly model: string;
  readonly dimensions: number;
  /** Of one text, with room for a prefix where the profile has one. */
  readonly maxTokens: number;
  readonly profile?: EmbeddingProfile;
}

/** The embeddings port over a process of this machine. */
export class LocalEmbedder implements Embedder {
  readonly id: string;
  readonly model: string;
  readonly dimensions: number;
  readonly maxTokens: number;
  readonly #engine: EmbeddingEngine;
  readonly #profile: EmbeddingProfile;

  constructor(engine: EmbeddingEngine, { id, model, dimensions, maxTokens, profile = {} }: EmbeddingModel) {
    this.#engine = engine;
    this.id = id;
    this.model = model;
    this.dimensions = dimensions;
    this.maxTokens = maxTokens;
    this.#profile = profile;
  }

  get status(): EmbeddingStatus {
    return this.#engine.status;
  }

  get shortenable(): boolean {
    return this.#profile.shortenable === true;
  }

  countTokens(texts: readonly string[]): Promise<number[]> {
    return this.#engine.countTokens(texts);
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Embeddings> {
    if (texts.length === 0) return { vectors: [], lengths: [], tokens: [] };
    const prefix = options.purpose === undefined ? "" : (this.#profile.prefixes?.[options.purpose] ?? "");
    const prefixed = prefix === "" ? texts : texts.map((text) => prefix + text);
    const { vectors, tokens } = await this.#engine.embed(prefixed, options.signal);
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
