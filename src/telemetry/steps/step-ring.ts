import type { SequenceShare, StepRecord } from "../../inference/step-record.ts";

/** Steps that are kept: some minutes of a busy small model, an hour of a large one. */
const STEPS = 65_536;
/** Sequences' shares that are kept; steps whose shares were overwritten are forgotten with them. */
const SHARES = 8 * STEPS;

/** A step as it is read back. */
export interface KeptStep extends Omit<StepRecord, "sequences"> {
  /** Counts from the server's start. */
  readonly index: number;
  readonly model: string;
  readonly threads: number;
  readonly sequences: readonly KeptShare[];
}

export interface KeptShare extends SequenceShare {
  /** Undefined for work of the server's own, and for a request that had left. */
  readonly requestId: string | undefined;
}

const numbers = [
  "planMs",
  "decodeMs",
  "sampleMs",
  "expectedMs",
  "processorWaitMs",
  "passes",
  "decodeRows",
  "prefillTokens",
  "kvTokens",
  "running",
  "waiting",
  "threads",
] as const satisfies ReadonlyArray<keyof KeptStep>;
const shareNumbers = [
  "generation",
  "kvSequence",
  "prefillTokens",
  "decodeRows",
] as const satisfies ReadonlyArray<keyof SequenceShare>;

/**
 * The latest steps of all engines, in arrays of a fixed size: about 60 bytes per step and 20 per sequence in it. The
 * server process holds it: it outlives an engine that crashed.
 */
export class StepRing {
  readonly #startedAt: Float64Array;
  readonly #numbers: Float32Array;
  readonly #models: Uint16Array;
  /** Where a step's shares begin, counted from the server's start, and how many they are. */
  readonly #firstShare: Float64Array;
  readonly #shareCounts: Uint16Array;
  readonly #shares: Int32Array;
  readonly #requests: Array<string | undefined>;
  readonly #modelNames: string[] = [];
  readonly #steps: number;
  readonly #shareRoom: number;
  #written = 0;
  #sharesWritten = 0;

  constructor(steps = STEPS, shares = SHARES) {
    this.#steps = steps;
    this.#shareRoom = shares;
    this.#startedAt = new Float64Array(steps);
    this.#numbers = new Float32Array(steps * numbers.length);
    this.#models = new Uint16Array(steps);
    this.#firstShare = new Float64Array(steps);
    this.#shareCounts = new Uint16Array(steps);
    this.#shares = new Int32Array(shares * shareNumbers.length);
    this.#requests = new Array<string | undefined>(shares).fill(undefined);
  }

  add(
    model: string,
    record: StepRecord,
    threads: number,
    requestOf: (generation: number) => string | undefined,
  ): void {
    const at = this.#written++ % this.#steps;
    const values = { ...record, threads };
    this.#startedAt[at] = record.startedAt;
    for (const [i, name] of numbers.entries()) this.#numbers[at * numbers.length + i] = values[name];
    this.#models[at] = this.#modelIndex(model);
    this.#firstShare[at] = this.#sharesWritten;
    this.#shareCounts[at] = record.sequences.length;
    for (const share of record.sequences) {
      const place = this.#sharesWritten++ % this.#shareRoom;
      for (const [i, name] of shareNumbers.entries())
        this.#shares[place * shareNumbers.length + i] = share[name];
      this.#requests[place] = requestOf(share.generation);
    }
  }

  /** Steps since the server's start. */
  get written(): number {
    return this.#written;
  }

  /** Steps that began in the stretch, oldest first; times on the clock of the records. */
  *between(from: number, until: number): Iterable<KeptStep> {
    for (let index = Math.max(0, this.#written - this.#steps); index < this.#written; index++) {
      const startedAt = this.#startedAt[index % this.#steps] as number;
      if (startedAt < from || startedAt >= until) continue;
      const step = this.#read(index);
      if (step !== undefined) yield step;
    }
  }

  /** The last `count` steps, oldest first. */
  *latest(count: number): Iterable<KeptStep> {
    const oldest = Math.max(0, this.#written - Math.min(count, this.#steps));
    for (let index = oldest; index < this.#written; index++) {
      const step = this.#read(index);
      if (step !== undefined) yield step;
    }
  }

  #read(index: number): KeptStep | undefined {
    const at = index % this.#steps;
    const first = this.#firstShare[at] as number;
    if (first < this.#sharesWritten - this.#shareRoom) return undefined;
    const of = (name: (typeof numbers)[number]) =>
      this.#numbers[at * numbers.length + numbers.indexOf(name)] as number;
    return {
      index,
      model: this.#modelNames[this.#models[at] as number] ?? "",
      startedAt: this.#startedAt[at] as number,
      planMs: of("planMs"),
      decodeMs: of("decodeMs"),
      sampleMs: of("sampleMs"),
      expectedMs: of("expectedMs"),
      processorWaitMs: of("processorWaitMs"),
      passes: of("passes"),
      decodeRows: of("decodeRows"),
      prefillTokens: of("prefillTokens"),
      kvTokens: of("kvTokens"),
      running: of("running"),
      waiting: of("waiting"),
      threads: of("threads"),
      sequences: Array.from({ length: this.#shareCounts[at] as number }, (_, i) =>
        this.#readShare(first + i),
      ),
    };
  }

  #readShare(share: number): KeptShare {
    const place = share % this.#shareRoom;
    const of = (name: (typeof shareNumbers)[number]) =>
      this.#shares[place * shareNumbers.length + shareNumbers.indexOf(name)] as number;
    return {
      generation: of("generation"),
      kvSequence: of("kvSequence"),
      prefillTokens: of("prefillTokens"),
      decodeRows: of("decodeRows"),
      requestId: this.#requests[place],
    };
  }

  #modelIndex(name: string): number {
    const known = this.#modelNames.indexOf(name);
    return known >= 0 ? known : this.#modelNames.push(name) - 1;
  }
}
