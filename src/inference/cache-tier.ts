/** Where the beginning of a prompt was found: in a sequence of the context, in host memory, or on disk. */
export type CacheTier = "slot" | "memory" | "disk";

const tiers = ["slot", "memory", "disk"] as const satisfies readonly CacheTier[];

/** Of several, the one that is the farthest away. */
export function farthest(found: readonly (CacheTier | undefined)[]): CacheTier | undefined {
  return tiers.findLast((tier) => found.includes(tier));
}
