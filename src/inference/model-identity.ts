import { createHash } from "node:crypto";

/**
 * Everything that what a model computes depends on, beside the request. What is kept of a computation (answers, keys and
 * values) is kept under its digest, so that it is never taken for another model's.
 */
export interface ModelIdentity {
  /** Digest of the weights and their metadata, the same for every copy of a file. */
  readonly weights: string;
  readonly engineVersion: string;
  readonly device: string;
  /** Element type of the KV cache. */
  readonly kvCacheType: string;
  /** Tokens one sequence may hold: prompt and completion together. */
  readonly contextWindow: number;
}

export function identityDigest(identity: ModelIdentity): string {
  const { weights, engineVersion, device, kvCacheType, contextWindow } = identity;
  const facts = [weights, engineVersion, device, kvCacheType, contextWindow];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
