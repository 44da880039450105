import { createHash } from "node:crypto";
import type { FlashAttentionChoice } from "./flash-attention.ts";

/**
 * Everything that a model's output depends on, beside the request. What is kept of a computation (answers, keys and
 * values) is kept under its digest, and never taken for another model's.
 */
export interface ModelIdentity {
  /** Digest of the weights and their metadata, the same for every copy of a file. */
  readonly weights: string;
  /** Digest of the adapter that changes them, and how much of it is applied; undefined without one. */
  readonly adapter: string | undefined;
  readonly engineVersion: string;
  /** Digest of the native libraries that compute, with the variant that was chosen for this processor. */
  readonly libraries: string;
  readonly device: string;
  /** Element type of the KV cache. */
  readonly kvCacheType: string;
  /** How attention is computed: sums in another order are other bits, and values lie otherwise in memory. */
  readonly flashAttention: FlashAttentionChoice;
  /** Tokens one sequence may hold: prompt and completion together. */
  readonly contextWindow: number;
}

export function identityDigest(identity: ModelIdentity): string {
  const { weights, adapter = null, engineVersion, libraries, device, kvCacheType, contextWindow } = identity;
  const isFlash = identity.flashAttention.isOn;
  const facts = [weights, adapter, engineVersion, libraries, device, kvCacheType, contextWindow, isFlash];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
