import type { Engine, GenerateOptions, GenerationEvent, GenerationRequest } from "../inference/engine.ts";
import { EngineView } from "../inference/engine-view.ts";

/** Share of the sequences that batch work may have; the scheduler keeps the rest for interactive requests. */
const BATCH_SHARE = 0.75;

/**
 * Two ways into one engine. Interactive requests pass as they come. Batch work waits here, and not in the engine's
 * bounded queue, until it may run: as many at once as its share of the sequences, and one while anybody waits for an
 * interactive answer.
 */
export class EngineLanes {
  readonly interactive: Engine;
  readonly batch: Engine;
  #interactiveRunning = 0;
  #batchRunning = 0;
  #waiting: Array<() => void> = [];
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.interactive = new EngineView(engine, (request, options) => this.#generateAtOnce(request, options));
    this.batch = new EngineView(engine, (request, options) => this.#generateInTurn(request, options));
  }

  async *#generateAtOnce(
    request: GenerationRequest,
    options?: GenerateOptions,
  ): AsyncIterable<GenerationEvent> {
    this.#interactiveRunning++;
    try {
      yield* this.#engine.generate(request, options);
    } finally {
      this.#interactiveRunning--;
      this.#admit();
    }
  }

  async *#generateInTurn(
    request: GenerationRequest,
    options: GenerateOptions = {},
  ): AsyncIterable<GenerationEvent> {
    await this.#turn(options.signal);
    try {
      // The wait for a turn is no wait in the engine's queue, which has a limit of its own.
      const { arrivedAt: _waited, ...rest } = options;
      yield* this.#engine.generate({ ...request, priority: "batch" }, rest);
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
    if (this.#interactiveRunning > 0 || this.#engine.state.status !== "ready") return 1;
    return Math.max(1, Math.floor(this.#engine.describe().sequences * BATCH_SHARE));
  }
}
