import type { SeededRandom } from "./random.ts";

/** How a number of tokens is drawn. */
export type Distribution =
  | { readonly type: "fixed"; readonly value: number }
  | { readonly type: "uniform"; readonly min: number; readonly max: number }
  /** Log-normal around `median`, as lengths of real prompts and answers roughly are; cut off at `max`. */
  | { readonly type: "lognormal"; readonly median: number; readonly sigma: number; readonly max: number };

/** A whole number of at least one. */
export function draw(distribution: Distribution, random: SeededRandom): number {
  switch (distribution.type) {
    case "fixed":
      return distribution.value;
    case "uniform":
      return distribution.min + random.integer(distribution.max - distribution.min + 1);
    case "lognormal": {
      const { median, sigma, max } = distribution;
      return Math.min(max, Math.max(1, Math.round(median * Math.exp(sigma * random.normal()))));
    }
    default:
      return distribution satisfies never;
  }
}

/**
 * Reads `200`, `50-400` (uniform) or `~200` (log-normal around 200, sigma 0.6, at most four times as many).
 * @throws Error that says what is allowed
 */
export function parseDistribution(text: string): Distribution {
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range) {
    const [min, max] = [Number(range[1]), Number(range[2])];
    if (min >= 1 && max >= min) return { type: "uniform", min, max };
  }
  const single = /^(~?)(\d+)$/.exec(text);
  const value = Number(single?.[2]);
  if (single && value >= 1) {
    return single[1] === "~"
      ? { type: "lognormal", median: value, sigma: 0.6, max: 4 * value }
      : { type: "fixed", value };
  }
  throw new Error(`${JSON.stringify(text)} is not a length: write 200, 50-400 or ~200`);
}
