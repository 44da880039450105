import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../platform/clock.ts";
import type { DecodeContext } from "../scheduler/decode-context.ts";
import { Scheduler, type SchedulerOptions } from "../scheduler/scheduler.ts";
import type { SequenceRequest } from "../scheduler/sequence.ts";
import type { TokenTexts } from "../scheduler/text-stream.ts";

/** Until then most of the code that a step runs through has been optimized; later starts would gain little from more. */
const LIMIT_MS = 1_000;

/** What a rehearsal's scheduler has in common with that of the requests to come. */
export type RehearsalOptions = Pick<
  SchedulerOptions,
  "clock" | "stepTargetMs" | "speculation" | "processorWait"
>;

/**
 * Requests that are run after a start because the first ones would be slow: weights are read from disk, pages are
 * touched for the first time, and code runs before it has been optimized. They have a scheduler of their own, so nothing
 * of them is counted, and are broken off when the first real request comes.
 */
export class Rehearsal {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #requests: readonly SequenceRequest[];
  #isOver = false;

  /** `context` is empty, and not used by anything else until the end. */
  constructor(
    context: DecodeContext,
    texts: TokenTexts,
    options: RehearsalOptions,
    requests: readonly SequenceRequest[],
  ) {
    this.#clock = options.clock;
    this.#scheduler = new Scheduler(context, texts, options);
    this.#requests = requests;
  }

  /** One step in a turn of the event loop: messages are handled in between. */
  async run(): Promise<void> {
    const until = this.#clock() + LIMIT_MS;
    for (const request of this.#requests) this.#scheduler.add(request);
    while (!this.#isOver && this.#scheduler.hasWork && this.#clock() < until) {
      this.#scheduler.step();
      await setImmediate();
    }
    this.end();
  }

  /** Leaves the context as empty as it was. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { id } of this.#requests) this.#scheduler.cancel(id);
    this.#scheduler.cache.trim(0);
  }
}
