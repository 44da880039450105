import type { KvLayout } from "../kv-layout.ts";
import type { AttentionTap } from "./attention-tap.ts";
import type { LogLine } from "./bindings.ts";

/** `enum ggml_type` of the formats a KV cache can have, with bytes an element and elements that share a scale. */
export const kvCacheTypes = {
  f16: { ggmlType: 1, bytesPerElement: 2, block: 1 },
  q8_0: { ggmlType: 8, bytesPerElement: 34 / 32, block: 32 },
  q4_0: { ggmlType: 2, bytesPerElement: 18 / 32, block: 32 },
} as const;
export type KvCacheType = keyof typeof kvCacheTypes;

export interface ContextOptions {
  /** Sequences that hold their KV cache side by side. */
  readonly sequences: number;
  /** Tokens a sequence. */
  readonly contextPerSequence: number;
  /** Tokens one decode may take. */
  readonly batchSize: number;
  /** Rows of one decode that may ask for logits: each costs a vocabulary of floats. */
  readonly maxOutputs: number;
  readonly threads: number;
  /** Processors to place the threads on, one each while all threads are used; none leaves that to the system. */
  readonly cpus: readonly number[];
  readonly kvCacheType: KvCacheType;
  /** Compute attention in one fused pass; llama.cpp's own choice, which is to do so where it can, when left out. */
  readonly isFlashAttention?: boolean;
  /** The layout to begin with. */
  readonly kvLayout: KvLayout;
  /** Is shown the attention of every layer, which is then computed in the open: slower, without flash attention. */
  readonly attention?: AttentionTap;
  readonly onLog?: (line: LogLine) => void;
}

/** llama.cpp allots each sequence whole steps of this many tokens of KV cache. */
export const ALLOTMENT_TOKENS = 256;

/** Tokens of KV cache that a sequence of `context` tokens gets. */
export function allottedTokens(context: number): number {
  return Math.max(1, Math.ceil(context / ALLOTMENT_TOKENS)) * ALLOTMENT_TOKENS;
}
