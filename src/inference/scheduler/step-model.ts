/** What a decode call works on, in the units that its time grows with. */
export interface StepShape {
  /** Times that all weights are read. */
  readonly passes: number;
  /** Rows of decoding sequences, drafts included. */
  readonly decodeRows: number;
  readonly prefillTokens: number;
  /** Tokens whose keys and values the decode rows read, summed over the rows. */
  readonly kvTokens: number;
  /** The same of the prompt tokens. */
  readonly prefillKvTokens: number;
}

/** Milliseconds per unit of a `StepShape`, by the same names. */
export type StepRates = StepShape;

const units = ["passes", "decodeRows", "prefillTokens", "kvTokens", "prefillKvTokens"] as const;

/** Weight that each observation keeps when the next one comes. */
const MEMORY = 0.995;
/** Sweeps of coordinate descent per observation; each starts from the rates before. */
const SWEEPS = 4;
/**
 * Pull of every rate but that of a pass towards 0, relative to what was observed of it. Where steps were all alike,
 * their time could be either's, and reading the weights is the likelier cause.
 */
const RIDGE = 1e-3;
/** Shortest time that an observation is weighed by. */
const MIN_MS = 0.05;

/**
 * Where a step's compute time goes: time = Σ rate × units, every rate ≥ 0, by least squares of the relative error that
 * forget. `StepCost` answers another question (what the next step may cost, from the latest few); this one explains
 * steps that are over, and knows keys and values too.
 */
export class StepModel {
  /** Decayed normal equations: Σ x xᵀ / ms² and Σ x / ms. */
  readonly #products = units.map(() => units.map(() => 0));
  readonly #targets = units.map(() => 0);
  readonly #rates = units.map(() => 0);
  readonly #memory: number;

  /** `memory`: weight that each observation keeps when the next one comes. */
  constructor(memory = MEMORY) {
    this.#memory = memory;
  }

  observe(shape: StepShape, ms: number): void {
    const scale = 1 / Math.max(ms, MIN_MS);
    const x = units.map((unit) => shape[unit] * scale);
    for (const [i, xi] of x.entries()) {
      const row = this.#products[i] as number[];
      for (const [j, xj] of x.entries()) row[j] = (row[j] as number) * this.#memory + xi * xj;
      this.#targets[i] = (this.#targets[i] as number) * this.#memory + xi * ms * scale;
    }
    for (let sweep = 0; sweep < SWEEPS; sweep++) this.#descend();
  }

  get rates(): StepRates {
    const [passes = 0, decodeRows = 0, prefillTokens = 0, kvTokens = 0, prefillKvTokens = 0] = this.#rates;
    return { passes, decodeRows, prefillTokens, kvTokens, prefillKvTokens };
  }

  /** Milliseconds that such a step should take. */
  expectedMs(shape: StepShape): number {
    return units.reduce((sum, unit, i) => sum + shape[unit] * (this.#rates[i] as number), 0);
  }

  /** Sets each rate to the best one, given the others. */
  #descend(): void {
    for (let i = 0; i < units.length; i++) {
      const row = this.#products[i] as number[];
      const own = row[i] as number;
      if (own === 0) continue;
      let rest = this.#targets[i] as number;
      for (let j = 0; j < units.length; j++) {
        if (j !== i) rest -= (row[j] as number) * (this.#rates[j] as number);
      }
      this.#rates[i] = Math.max(0, rest / (own * (i === 0 ? 1 : 1 + RIDGE)));
    }
  }
}
