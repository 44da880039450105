import type { Clock } from "../../platform/clock.ts";
import type { SequenceOutput, StepReport } from "../scheduler/report.ts";

/**
 * Batches streamed text: what several fast steps produced is sent as one message, and written once per stream, because
 * sending takes processor time that computing then lacks. First text, ends and failures never wait, and what is held
 * leaves with them.
 */
export class Outbox {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  /** Requests whose first text has left. */
  readonly #begun = new Set<number>();
  #held: StepReport | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;

  /** `intervalMs`: longest time that text is held back; 0 holds back nothing. */
  constructor(intervalMs: number, clock: Clock) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  /** Takes a step's report; returns what must be sent now. */
  add(report: StepReport): StepReport | undefined {
    const isUrgent = report.outputs.some((output) => this.#isUrgent(output));
    this.#held = this.#held === undefined ? report : join(this.#held, report);
    const now = this.#clock();
    if (!isUrgent && now - this.#sentAt < this.#intervalMs) return undefined;
    const due = this.#held;
    this.#held = undefined;
    this.#sentAt = now;
    return due;
  }

  #isUrgent({ id, text, promptTokens, done, error }: SequenceOutput): boolean {
    if (done !== undefined || error !== undefined) {
      this.#begun.delete(id);
      return true;
    }
    const isFirst = text !== "" && !this.#begun.has(id);
    if (isFirst) this.#begun.add(id);
    return isFirst || promptTokens !== undefined;
  }
}

function join(earlier: StepReport, later: StepReport): StepReport {
  const outputs = new Map(earlier.outputs.map((output) => [output.id, output]));
  for (const output of later.outputs) {
    const before = outputs.get(output.id);
    outputs.set(output.id, before === undefined ? output : joinOutputs(before, output));
  }
  return {
    outputs: [...outputs.values()],
    stepMs: earlier.stepMs + later.stepMs,
    computeMs: earlier.computeMs + later.computeMs,
    expectedMs: earlier.expectedMs + later.expectedMs,
    records: [...earlier.records, ...later.records],
    decodeSteps: earlier.decodeSteps + later.decodeSteps,
    decodePasses: earlier.decodePasses + later.decodePasses,
  };
}

function joinOutputs(before: SequenceOutput, after: SequenceOutput): SequenceOutput {
  const tokens = [...(before.tokens ?? []), ...(after.tokens ?? [])];
  return {
    ...before,
    ...after,
    text: before.text + after.text,
    ...(tokens.length > 0 && { tokens }),
  };
}
