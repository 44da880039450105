import { type GenerationParts, type StepPart, stepParts, type WaitPart } from "../generation-parts.ts";

/**
 * Divides a sequence's time among its parts: each call gives the time since the one before to what it was spent on, so
 * that the parts add up to the whole by construction.
 */
export class TimeAccount {
  readonly #wait: Record<WaitPart, number> = { prepare: 0, step: 0, sequence: 0, prefix: 0, lane: 0 };
  readonly #prefill = noStepParts();
  readonly #decode = noStepParts();
  #phase = this.#prefill;
  #until: number;

  constructor(arrivedAt: number) {
    this.#until = arrivedAt;
  }

  /** Before the sequence has a KV sequence. */
  waited(part: WaitPart, now: number): void {
    this.#wait[part] += this.#elapse(now);
  }

  spent(part: StepPart, now: number): void {
    this.#phase[part] += this.#elapse(now);
  }

  /**
   * A computation that ended at `now`, by the milliseconds expected of each part. What it took beyond them went to
   * waiting for processors, as far as threads did so for `waitedMs`, and is unexplained otherwise; where it took less,
   * every part did.
   */
  computed(expected: Partial<Record<StepPart, number>>, waitedMs: number, now: number): void {
    const ms = this.#elapse(now);
    const parts = Object.entries(expected) as Array<[StepPart, number]>;
    const total = parts.reduce((sum, [, part]) => sum + part, 0);
    const scale = total > ms ? ms / total : 1;
    for (const [part, partMs] of parts) this.#phase[part] += partMs * scale;
    const beyond = Math.max(0, ms - total);
    const processor = Math.min(beyond, waitedMs);
    this.#phase.processor += processor;
    this.#phase.unexplained += beyond - processor;
  }

  /** The first token is there. */
  begunDecoding(): void {
    this.#phase = this.#decode;
  }

  get parts(): GenerationParts {
    return { wait: { ...this.#wait }, prefill: { ...this.#prefill }, decode: { ...this.#decode } };
  }

  #elapse(now: number): number {
    const ms = Math.max(0, now - this.#until);
    this.#until = Math.max(this.#until, now);
    return ms;
  }
}

function noStepParts(): Record<StepPart, number> {
  return Object.fromEntries(stepParts.map((part) => [part, 0])) as Record<StepPart, number>;
}
