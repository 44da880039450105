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

export interface StepCosts {
  readonly rates: StepRates;
  /**
   * Milliseconds that a pass over the weights takes beyond the rates in a step of so many decode rows and no prompt, often
   * less than 0: matrices are multiplied by groups of rows, so that time grows with their number in steps and not evenly.
   */
  readonly beyondRates: readonly number[];
}

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
/** Numbers of decode rows that are told apart. */
const MAX_ROWS = 32;
/** Observations that what is beyond the rates is held back by, as if they had been nothing. */
const DOUBT = 2;
/** Shortest time that an observation is weighed by. */
const MIN_MS = 0.05;

/**
 * Where a step's compute time goes: time = Σ rate × units, every rate ≥ 0, by least squares of the relative error that
 * forget. What steps of one number of decode rows take beyond that, or less, is kept by that number. `StepCost` answers
 * another question (what the next step may cost, from the latest few); this one explains steps that are over, and knows
 * keys and values too.
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
    const own = this.#kinds.get(kind) ?? { sums: new Float64Array(SUMS), weight: 1, count: 0 };
    own.count++;
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

  /** By the number of decode rows. */
  get beyondRates(): readonly number[] {
    return Array.from({ length: MAX_ROWS + 1 }, (_, rows) => this.#beyondRate(rows));
  }

  /** Milliseconds that a step should take beyond what the rates tell; less than 0 where such steps are quicker than they say. */
  beyondRatesMs(shape: StepShape): number {
    return beyondMs(shape, (rows) => this.#beyondRate(rows));
  }

  /** Milliseconds that such a step should take. */
  expectedMs(shape: StepShape): number {
    return Math.max(0, ratedMs(this.rates, shape) + this.beyondRatesMs(shape));
  }

  /** Between numbers of rows that were seen as if it grew evenly. */
  #beyondRate(rows: number): number {
    const seen = this.#seenBeyondRates(rows);
    if (seen !== undefined) return seen;
    const below = this.#nearestSeen(rows, -1);
    const above = this.#nearestSeen(rows, 1);
    if (below === undefined || above === undefined) return (below ?? above)?.ms ?? 0;
    return below.ms + ((above.ms - below.ms) * (rows - below.rows)) / (above.rows - below.rows);
  }

  #nearestSeen(from: number, step: 1 | -1): { readonly rows: number; readonly ms: number } | undefined {
    for (let rows = from + step; rows > 0 && rows <= MAX_ROWS; rows += step) {
      const ms = this.#seenBeyondRates(rows);
      if (ms !== undefined) return { rows, ms };
    }
    return undefined;
  }

  /** The mean of what is left of such steps, weighed as everything is; undefined where none was seen. */
  #seenBeyondRates(rows: number): number | undefined {
    const observed = rows === 0 ? undefined : this.#kinds.get(rows);
    if (observed === undefined) return undefined;
    const { sums, count } = observed;
    // The rows of the normal equations that belong to `passes`, the first unit.
    const expected = units.reduce((sum, _, i) => sum + (this.#rates[i] as number) * (sums[i] as number), 0);
    const left = (sums[UNITS * UNITS] as number) - expected;
    return (left / (sums[0] as number)) * (count / (count + DOUBT));
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

/** Milliseconds that a decode of a shape should take. */
export function expectedMs({ rates, beyondRates }: StepCosts, shape: StepShape): number {
  return Math.max(0, ratedMs(rates, shape) + beyondMs(shape, (rows) => beyondRates[rows] ?? 0));
}

function beyondMs(
  { passes, decodeRows, prefillTokens }: StepShape,
  rateOf: (rows: number) => number,
): number {
  return prefillTokens > 0 ? 0 : passes * rateOf(Math.min(decodeRows, MAX_ROWS));
}

function ratedMs(rates: StepRates, shape: StepShape): number {
  return units.reduce((sum, unit) => sum + rates[unit] * shape[unit], 0);
}

/** What was observed of steps of one kind: decayed normal equations, Σ x xᵀ / ms² and Σ x / ms. */
interface Observed {
  readonly sums: Float64Array;
  /** 1 for the kind of the latest step. */
  weight: number;
  count: number;
}

/**
 * Steps without a prompt are of a kind by their decode rows, up to `MAX_ROWS`; others have about as many rows of each sort:
 * within a factor of two, and of four for prompts.
 */
function kindOf({ decodeRows, prefillTokens }: StepShape): number {
  if (prefillTokens === 0 && decodeRows <= MAX_ROWS) return decodeRows;
  const rows = Math.ceil(Math.log2(decodeRows + 1));
  const tokens = Math.ceil(Math.log2(prefillTokens + 1) / 2);
  return 64 * (rows + 1) + tokens;
}
