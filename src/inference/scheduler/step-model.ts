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
const UNITS = units.length;
const SUMS = UNITS * UNITS + UNITS;

/** Weight that each observation keeps when the next one of its kind comes. */
const MEMORY = 0.995;
/**
 * Weight that steps of a kind keep with each step of another, and the least that they have. Where traffic is steady all
 * steps are alike, and only what earlier ones of other kinds took tells the parts of their time apart.
 */
const FADING = 0.99;
const FAINTEST = 0.01;
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
  readonly #kinds = new Map<number, Observed>();
  /** Sums over all kinds, by their weights: of each unit with each, then of each unit alone. */
  readonly #sums = new Float64Array(SUMS);
  readonly #rates = units.map(() => 0);
  readonly #memory: number;

  /** `memory`: weight that each observation keeps when the next one of its kind comes. */
  constructor(memory = MEMORY) {
    this.#memory = memory;
  }

  observe(shape: StepShape, ms: number): void {
    const scale = 1 / Math.max(ms, MIN_MS);
    const x = units.map((unit) => shape[unit] * scale);
    const kind = kindOf(shape);
    const own = this.#kinds.get(kind) ?? { sums: new Float64Array(SUMS), weight: 1 };
    this.#kinds.set(kind, own);
    for (let i = 0; i < UNITS; i++) {
      const xi = x[i] as number;
      for (let j = 0; j < UNITS; j++) this.#take(own, i * UNITS + j, xi * (x[j] as number));
      this.#take(own, UNITS * UNITS + i, xi * ms * scale);
    }
    this.#sums.fill(0);
    for (const other of this.#kinds.values()) {
      other.weight = other === own ? 1 : Math.max(FAINTEST, FADING * other.weight);
      for (let at = 0; at < SUMS; at++)
        this.#sums[at] = (this.#sums[at] as number) + other.weight * (other.sums[at] as number);
    }
    for (let sweep = 0; sweep < SWEEPS; sweep++) this.#descend();
  }

  #take({ sums }: Observed, at: number, value: number): void {
    sums[at] = (sums[at] as number) * this.#memory + value;
  }

  get rates(): StepRates {
    const [passes = 0, decodeRows = 0, prefillTokens = 0, kvTokens = 0, prefillKvTokens = 0] = this.#rates;
    return { passes, decodeRows, prefillTokens, kvTokens, prefillKvTokens };
  }

  /** Milliseconds that such a step should take. */
  expectedMs(shape: StepShape): number {
    return expectedMs(this.rates, shape);
  }

  /** Sets each rate to the best one, given the others. */
  #descend(): void {
    const product = (i: number, j: number) => this.#sums[i * UNITS + j] as number;
    for (let i = 0; i < UNITS; i++) {
      const own = product(i, i);
      if (own === 0) continue;
      let rest = this.#sums[UNITS * UNITS + i] as number;
      for (let j = 0; j < UNITS; j++) {
        if (j !== i) rest -= product(i, j) * (this.#rates[j] as number);
      }
      this.#rates[i] = Math.max(0, rest / (own * (i === 0 ? 1 : 1 + RIDGE)));
    }
  }
}

/** Milliseconds that a decode of a shape should take at these rates. */
export function expectedMs(rates: StepRates, shape: StepShape): number {
  return units.reduce((sum, unit) => sum + rates[unit] * shape[unit], 0);
}

/** What was observed of steps of one kind: decayed normal equations, Σ x xᵀ / ms² and Σ x / ms. */
interface Observed {
  readonly sums: Float64Array;
  /** 1 for the kind of the latest step. */
  weight: number;
}

/** Steps of a kind have about as many rows of each sort: within a factor of two, and of four for prompts. */
function kindOf({ decodeRows, prefillTokens }: StepShape): number {
  const rows = Math.ceil(Math.log2(decodeRows + 1));
  const tokens = Math.ceil(Math.log2(prefillTokens + 1) / 2);
  return 64 * rows + tokens;
}
