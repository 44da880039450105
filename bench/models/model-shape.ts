import type { MetadataBuilder } from "../../src/models/gguf/metadata.ts";
import type { BlockType } from "./random-blocks.ts";

/** One tensor of a model made of random numbers. */
export interface RandomTensor {
  readonly name: string;
  /** Fastest first, as ggml's `ne`. */
  readonly dimensions: readonly number[];
  readonly type: BlockType;
  readonly spread: number;
  readonly mean?: number;
}

/** A model's architecture and size, from which a file with random weights is made. */
export interface ModelShape {
  readonly name: string;
  /** What it stands for, for reports. */
  readonly summary: string;
  describe(metadata: MetadataBuilder): void;
  readonly tensors: readonly RandomTensor[];
}

/**
 * Spreads that make greedy output of random weights behave like text rather than one token repeated for ever. The
 * embeddings are tied, so each position favours the token it was given by the share of the residual stream that its
 * embedding still has at the end: embeddings are small beside what the layers add. Attention over random weights
 * averages everything, the same at each position, so it adds little and the feed-forward, which depends on the
 * token, adds most.
 */
export const spreads = { embedding: 0.1, position: 0.05, bias: 0.02, attentionOutput: 0.3 } as const;

/** Spread of a matrix that keeps the variance of what it is given. */
export function unitSpread(inputs: number): number {
  return 1 / Math.sqrt(inputs);
}
