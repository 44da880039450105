import type { Embedder } from "../../../inference/embedder.ts";
import type { ChunkingOptions } from "../chunking/chunker.ts";
import type { IndexRecipe } from "./index-record.ts";

/** Changes when code changes what an index holds; older indexes are then rebuilt. */
const VERSION = 1;
const OVERLAP_SHARE = 1 / 6;

export interface RetrievalSettings {
  /** Most tokens of a chunk, where the embedding model takes as many. */
  readonly chunkTokens: number;
  /** A text search configuration of Postgres. */
  readonly language: string;
}

export function chunkingFor(embedder: Embedder, { chunkTokens }: RetrievalSettings): ChunkingOptions {
  const budget = Math.min(chunkTokens, embedder.maxTokens);
  return { budget, overlap: Math.floor(budget * OVERLAP_SHARE) };
}

export function recipeFor(embedder: Embedder, settings: RetrievalSettings): IndexRecipe {
  const { budget, overlap } = chunkingFor(embedder, settings);
  return {
    embedderId: embedder.id,
    model: embedder.model,
    dimensions: embedder.dimensions,
    method: `${VERSION}:${budget}+${overlap}:${settings.language}`,
  };
}
