import type { GenerationContext, GenerationEvent, GenerationRequest } from "../inference/engine.ts";
import { EngineDecorator } from "../inference/engine-decorator.ts";
import { batchSequences } from "../inference/lane.ts";

/**
 * Lets each lane in as it may come. Interactive requests pass at once. Batch work waits here, and not in the engine's
 * bounded queue, until it may run: as many at once as its share of the sequences, and one while an interactive
 * request runs.
 */
export class LanedEngine extends EngineDecorator {
  #interactiveRunning = 0;
  #batchRunning = 0;
  #waiting: Array<() => void> = [];

  generate(request: GenerationRequest, context: GenerationContext = {}): AsyncIterable<GenerationEvent> {
    return context.lane === "batch"
      ? this.#generateInTurn(request, context)
      : this.#generateAtOnce(request, context);
  }

  async *#generateAtOnce(
    request: GenerationRequest,
    context: GenerationContext,
  ): AsyncIterable<GenerationEvent> {
    this.#interactiveRunning++;
    try {
      yield* this.inner.generate(request, context);
    } finally {
      this.#interactiveRunning--;
      this.#admit();
    }
  }

  async *#generateInTurn(
    request: GenerationRequest,
    context: GenerationContext,
  ): AsyncIterable<GenerationEvent> {
    await this.#turn(context.signal);
    try {
      // Waiting for a turn is not waiting in the engine's queue, which has its own limit.
      const { arrivedAt: _waited, ...rest } = context;
      yield* this.inner.generate(request, rest);
    } finally {
      this.#batchRunning--;
      this.#admit();
    }
  }

  /** Resolves when a batch generation may begin, or its caller no longer wants it; it counts as running from then on. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.length === 0 && this.#batchRunning < this.#limit) {
      this.#batchRunning++;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const leave = () => this.#begin(resolve);
    signal?.addEventListener("abort", leave, { once: true });
    await promise;
    signal?.removeEventListener("abort", leave);
  }

  #admit(): void {
    while (this.#batchRunning < this.#limit) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#begin(next);
    }
  }

  #begin(waiting: () => void): void {
    if (!this.#waiting.includes(waiting)) return;
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
    this.#batchRunning++;
    waiting();
  }

  get #limit(): number {
    if (this.#interactiveRunning > 0 || this.inner.state.status !== "ready") return 1;
    return batchSequences(this.inner.describe().sequences);
  }
}
