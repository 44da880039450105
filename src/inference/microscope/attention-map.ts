import type { AttentionWeights } from "../llama/attention-tap.ts";
import type { SeenAttention, SeenHead } from "./job.ts";

interface HeadSums {
  entropy: number;
  first: number;
  tokens: number;
}

/** Attention as it is computed, chunk by chunk: one head's or a mean for the picture, and of all heads what they are like. */
export class AttentionMap {
  readonly #layer: number | undefined;
  readonly #head: number | undefined;
  readonly #rows: Float32Array[] = [];
  /** Heads that are in the rows. */
  readonly #added: number[] = [];
  readonly #heads = new Map<number, HeadSums[]>();
  /** Tokens that were computed before the chunk that runs. */
  #before = 0;

  /** Of the layer and head that are wanted; undefined takes the mean of all. */
  constructor(layer: number | undefined, head: number | undefined) {
    this.#layer = layer;
    this.#head = head;
  }

  /** What comes next is of tokens from `position` on. */
  startAt(position: number): void {
    this.#before = position;
  }

  add({ layer, heads, queries, keys, data }: AttentionWeights): void {
    const sums =
      this.#heads.get(layer) ?? Array.from({ length: heads }, () => ({ entropy: 0, first: 0, tokens: 0 }));
    this.#heads.set(layer, sums);
    for (const [head, sum] of sums.entries()) {
      const isWanted = (this.#layer ?? layer) === layer && (this.#head ?? head) === head;
      for (let query = 0; query < queries; query++) {
        const position = this.#before + query;
        const from = (head * queries + query) * keys;
        const weights = data.subarray(from, from + position + 1);
        if (isWanted) this.#addRow(position, weights);
        if (position > 0) observe(sum, weights);
      }
    }
  }

  #addRow(position: number, weights: Float32Array): void {
    const row = this.#rows[position] ?? new Float32Array(position + 1);
    this.#rows[position] = row;
    for (const [key, weight] of weights.entries()) row[key] = (row[key] as number) + weight;
    this.#added[position] = (this.#added[position] ?? 0) + 1;
  }

  /** Undefined where no layer showed any. */
  get result(): SeenAttention | undefined {
    if (this.#heads.size === 0) return undefined;
    return {
      layers: [...this.#heads.keys()],
      heads: [...this.#heads].flatMap(([layer, sums]) =>
        sums.map(({ entropy, first, tokens }, head): SeenHead => {
          const count = Math.max(1, tokens);
          return { layer, head, entropyBits: entropy / count, firstTokenShare: first / count };
        }),
      ),
      rows: this.#rows.map((row, position) => row.map((weight) => weight / (this.#added[position] ?? 1))),
    };
  }
}

function observe(sum: HeadSums, weights: Float32Array): void {
  for (const weight of weights) if (weight > 0) sum.entropy -= weight * Math.log2(weight);
  sum.first += weights[0] ?? 0;
  sum.tokens++;
}
