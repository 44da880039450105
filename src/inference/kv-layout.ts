/**
 * `separate`: each sequence has a buffer of its own; the fastest for unrelated prompts. `shared`: one buffer, in which
 * a common prefix is stored and read once; the fastest when most of the prompts is common (docs/performance.md).
 */
export type KvLayout = "separate" | "shared";

/** `auto`: whichever suits what requests have in common. */
export type KvLayoutSetting = KvLayout | "auto";

/** The layout in use, and why. */
export interface KvLayoutChoice {
  readonly layout: KvLayout;
  readonly reason: string;
}

/** Tokens that a sequence has in common with `source`, which comes before it. */
export interface CommonBeginning {
  readonly source: number;
  readonly length: number;
}
