import { StepModel, type StepShape } from "../../inference/scheduler/step-model.ts";
import type { StepRecord } from "../../inference/step-record.ts";

/** What measures energy. */
export interface EnergyCounter {
  /** Joules since the call before, `ms` ago; undefined where they can't be known. */
  take(ms: number): number | undefined;
}

export interface EnergyTotals {
  /** Of steps, all requests' together, and of the time between. */
  readonly requests: number;
  readonly idle: number;
  /** Time that no energy is known of, because a counter was set back. */
  readonly unknownMs: number;
}

/** Requests whose energy is remembered until they are recorded. */
const REMEMBERED = 10_000;

/**
 * Divides the machine's energy among requests. What is taken between two looks goes to the steps in between by their time,
 * and the rest is idle; a step's goes to its requests by what of it each was for, the passes over the weights in equal
 * parts. What is given to requests and to idle time adds up to what was taken.
 */
export class EnergyAccount {
  readonly #counter: EnergyCounter;
  readonly #model = new StepModel();
  /** Joules by request. */
  readonly #requests = new Map<string, number>();
  #lookedAt: number;
  #ofRequests = 0;
  #idle = 0;
  #unknownMs = 0;

  constructor(counter: EnergyCounter, now: number) {
    this.#counter = counter;
    this.#lookedAt = now;
  }

  /** Steps have ended; no earlier step is told of later. */
  stepped(
    records: readonly StepRecord[],
    requestOf: (generation: number) => string | undefined,
    now: number,
  ): void {
    const ms = now - this.#lookedAt;
    this.#lookedAt = now;
    const joules = this.#counter.take(ms);
    for (const record of records) this.#model.observe(shapeOf(record), record.decodeMs);
    if (joules === undefined) {
      this.#unknownMs += ms;
      return;
    }
    const times = records.map(({ planMs, decodeMs, sampleMs }) => planMs + decodeMs + sampleMs);
    const busyMs = times.reduce((sum, each) => sum + each, 0);
    // Engines side by side are busy for more than the time that passes.
    const wholeMs = Math.max(ms, busyMs);
    if (wholeMs <= 0) {
      this.#idle += joules;
      return;
    }
    for (const [at, record] of records.entries())
      this.#divide(record, (joules * (times[at] ?? 0)) / wholeMs, requestOf);
    this.#idle += (joules * (wholeMs - busyMs)) / wholeMs;
  }

  /** Nothing has ended since: the time goes to idle. */
  idled(now: number): void {
    this.stepped([], () => undefined, now);
  }

  /** What a request has taken, which is then forgotten. */
  take(requestId: string): number {
    const joules = this.#requests.get(requestId) ?? 0;
    this.#requests.delete(requestId);
    return joules;
  }

  get totals(): EnergyTotals {
    return { requests: this.#ofRequests, idle: this.#idle, unknownMs: this.#unknownMs };
  }

  #divide(record: StepRecord, joules: number, requestOf: (generation: number) => string | undefined): void {
    const { rates } = this.#model;
    const { sequences } = record;
    const weights = sequences.map(
      ({ decodeRows, prefillTokens }) =>
        (rates.passes * record.passes) / sequences.length +
        rates.decodeRows * decodeRows +
        rates.prefillTokens * prefillTokens,
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.#ofRequests += joules;
    for (const [at, { generation }] of sequences.entries()) {
      const id = requestOf(generation);
      if (id === undefined) continue;
      const share = sum > 0 ? (weights[at] ?? 0) / sum : 1 / sequences.length;
      this.#requests.set(id, (this.#requests.get(id) ?? 0) + joules * share);
    }
    const [oldest] = this.#requests.keys();
    if (this.#requests.size > REMEMBERED && oldest !== undefined) this.#requests.delete(oldest);
  }
}

function shapeOf({ passes, decodeRows, prefillTokens, kvTokens }: StepRecord): StepShape {
  return { passes, decodeRows, prefillTokens, kvTokens, prefillKvTokens: 0 };
}
