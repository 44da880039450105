import { Worker } from "node:worker_threads";
import { ApiError, InvalidRequestError, UnavailableError } from "../../errors.ts";
import type { ModelDescription } from "../../inference/engine.ts";
import { defaultQueue } from "../../inference/queue-limit.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import type { Ledger } from "../../telemetry/ledger/ledger.ts";
import type { LedgerRow } from "../../telemetry/ledger/row.ts";
import type { StepRing } from "../../telemetry/steps/step-ring.ts";
import type { Backtest } from "./backtest.ts";
import type { Backtests } from "./backtests.ts";
import { calibrate } from "./calibration.ts";
import type { Plan, PlanOptions } from "./plan.ts";
import { quantile } from "./quantiles.ts";
import { type Capacity, type CapacityBody, describePlan } from "./schema.ts";
import type { SimulatedServer } from "./simulation.ts";
import { fitSteps, type StepFit } from "./step-fit.ts";
import type { PlannerJob, PlannerResult } from "./thread.ts";
import { isSimulable, type RequestShapes, requestOf } from "./traffic.ts";

const entry = new URL("./thread.ts", import.meta.url);

export interface PlannerOptions {
  readonly models: ServedModels;
  readonly steps: StepRing;
  /** Undefined where no requests are kept. */
  readonly ledger: Ledger | undefined;
  readonly batchSize: number;
  readonly stepTargetMs: number;
  /** As many as there are sequences when undefined. */
  readonly maxQueue: number | undefined;
  /** Where the errors of earlier hours are kept. */
  readonly backtests: Backtests;
}

/** The latest steps that costs are learned from, and requests that are simulated again to see the error. */
const FITTED_STEPS = 5000;
const BACKTESTED_REQUESTS = 500;
const HOUR_MS = 3_600_000;
/** Longest time of the simulations together, and of a question the wait for earlier ones too. */
const TIME_LIMIT_MS = 60_000;

/** Answers how many users a server fits, by simulating its own scheduler on this machine's step times; one question at a time. */
export class Planner {
  readonly #options: PlannerOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /**
   * @throws ApiError `conflict` while too few steps are known; InvalidRequestError for traffic that can't be had, or takes
   * too long; UnavailableError `queue_timeout` where earlier questions take all the time
   */
  async plan(body: CapacityBody, signal: AbortSignal): Promise<Capacity> {
    const limit = AbortSignal.timeout(TIME_LIMIT_MS);
    let hasBegun = false;
    const turn = this.#last.then(() => {
      hasBegun = true;
      return this.#plan(body, AbortSignal.any([signal, limit]));
    });
    this.#last = turn.catch(() => undefined);
    const { promise: late, reject } = Promise.withResolvers<never>();
    limit.addEventListener("abort", () => reject(hasBegun ? tooLong() : behindOthers()), { once: true });
    return Promise.race([turn, late]);
  }

  /** Simulates the latest hour's requests of each model, and keeps how far off that was; of models that answered too few, nothing. */
  async backtest(now: number, signal: AbortSignal): Promise<void> {
    for (const { description, names } of this.#options.models.all) {
      const fit = description && fitSteps(this.#steps(description.name));
      if (description === undefined || fit === undefined) continue;
      const answered = this.#answered(names).filter(({ at }) => at >= now - HOUR_MS);
      const server = this.#server(description, fit, answered, description.sequences);
      const turn = this.#last.then(() => {
        const job = { server, question: undefined, answered: answered.slice(-BACKTESTED_REQUESTS) };
        return simulateElsewhere(job, signal);
      });
      this.#last = turn.catch(() => undefined);
      const { backtest } = await turn;
      if (backtest !== undefined)
        this.#options.backtests.add({ at: now, model: description.name, ...backtest });
    }
  }

  async #plan(body: CapacityBody, signal: AbortSignal): Promise<Capacity> {
    signal.throwIfAborted();
    const model = this.#options.models.find(body.model);
    await using _lease = await this.#options.models.lease(model, { signal });
    if (body.calibrate) await calibrate(model.engine, signal);
    const description = model.engine.describe();
    const fit = fitSteps(this.#steps(description.name));
    if (fit === undefined)
      throw new ApiError(
        "conflict",
        "Too few steps are known to tell what they cost: send some requests first, or set calibrate to true.",
        { param: "calibrate" },
      );
    const answered = this.#answered(model.names);
    const options = this.#planOptions(body, description, fit, answered);
    const { plan, backtest } = await simulateElsewhere(
      { server: options.server, question: options, answered: answered.slice(-BACKTESTED_REQUESTS) },
      signal,
    );
    if (plan === undefined) throw new Error("the simulation answered another question");
    return describePlan({
      model: description.name,
      plan,
      backtest,
      backtests: this.#options.backtests.all(description.name),
      fit,
      caveats: caveats(fit, options, { plan, backtest }),
    });
  }

  #steps(model: string) {
    const all = this.#options.steps.between(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    return [...all].filter((step) => step.model === model).slice(-FITTED_STEPS);
  }

  /** Oldest first. */
  #answered(names: readonly string[]): readonly LedgerRow[] {
    const rows = this.#options.ledger?.recent ?? [];
    return rows
      .filter((row) => isSimulable(row) && (row.model === null || names.includes(row.model)))
      .toSorted((a, b) => a.at - b.at);
  }

  #planOptions(
    body: CapacityBody,
    description: ModelDescription,
    fit: StepFit,
    answered: readonly LedgerRow[],
  ): PlanOptions {
    return {
      server: this.#server(description, fit, answered, body.sequences ?? description.sequences),
      shapes: shapesOf(body, description.contextWindow, answered),
      thinkMs: 1000 * body.think_seconds,
      level: levelOf(body),
      seeds: body.simulations,
      maxUsers: body.max_users,
      users: body.users ?? [],
    };
  }

  #server(
    description: ModelDescription,
    fit: StepFit,
    answered: readonly LedgerRow[],
    sequences: number,
  ): SimulatedServer {
    const { batchSize, stepTargetMs, maxQueue } = this.#options;
    const ms = (of: (row: LedgerRow) => number) => quantile(answered.map(of), 0.5);
    return {
      sequences,
      contextPerSequence: description.contextWindow,
      batchSize,
      stepTargetMs,
      layout: description.kvLayout.layout,
      maxQueue: maxQueue ?? defaultQueue(sequences),
      prepareMs: ms(({ parts }) => (parts.receive ?? 0) + (parts.prepare ?? 0)),
      deliverMs: ms(({ parts }) => parts.deliver ?? 0),
      fit,
    };
  }
}

function levelOf({ service_level: level }: CapacityBody): PlanOptions["level"] {
  const {
    percentile = 95,
    time_to_first_token_ms: first,
    tokens_per_second: rate,
    latency_ms: latency,
  } = level ?? {};
  const isEmpty = !isSet(first) && !isSet(rate) && !isSet(latency);
  return {
    share: percentile / 100,
    timeToFirstTokenMs: isEmpty ? 1000 : (first ?? undefined),
    tokensPerSecond: isEmpty ? 10 : (rate ?? undefined),
    latencyMs: latency ?? undefined,
  };
}

/** @throws InvalidRequestError where nothing was recorded, or the window has no room */
function shapesOf({ traffic }: CapacityBody, window: number, answered: readonly LedgerRow[]): RequestShapes {
  const {
    from = "described",
    prompt_tokens: promptTokens = 200,
    shared_tokens: sharedTokens = 0,
    completion_tokens: completionTokens = 100,
    variation = 0.3,
  } = traffic ?? {};
  if (from === "ledger") {
    if (answered.length === 0)
      throw new InvalidRequestError("No answered requests are known to take lengths from.", {
        param: "traffic.from",
      });
    return { type: "recorded", requests: answered.map(requestOf) };
  }
  if (sharedTokens > promptTokens)
    throw new InvalidRequestError("shared_tokens can't be more than prompt_tokens.", {
      param: "traffic.shared_tokens",
    });
  if (promptTokens + completionTokens > window)
    throw new InvalidRequestError(
      `${promptTokens} prompt tokens and ${completionTokens} of an answer don't fit the context window of ${window}.`,
      { param: "traffic" },
    );
  return { type: "described", promptTokens, sharedTokens, completionTokens, variation };
}

function caveats(
  fit: StepFit,
  { server }: PlanOptions,
  { plan, backtest }: { readonly plan: Plan; readonly backtest: Backtest | undefined },
): readonly string[] {
  const { decodeRows } = fit.seen;
  const busiest = Math.min(server.sequences, Math.max(1, plan.users));
  return [
    ...(decodeRows < busiest
      ? [
          `Steps of up to ${decodeRows} rows were seen: what larger ones take is extrapolated. calibrate: true runs some.`,
        ]
      : []),
    ...(backtest === undefined
      ? ["The error is unknown: this process has answered fewer than 20 requests that can be simulated."]
      : []),
    "Speculation, batch work, other models and other processes are not simulated.",
  ];
}

function tooLong(): InvalidRequestError {
  return new InvalidRequestError(
    `The simulations took longer than ${TIME_LIMIT_MS / 1000} s: ask for fewer, or for fewer max_users.`,
    { param: "simulations" },
  );
}

function behindOthers(): UnavailableError {
  return new UnavailableError("queue_timeout", "Other questions of this kind are being simulated.");
}

/** @throws the signal's reason when it is aborted meanwhile; ApiError where it takes too long */
async function simulateElsewhere(job: PlannerJob, signal: AbortSignal): Promise<PlannerResult> {
  const { promise, resolve, reject } = Promise.withResolvers<PlannerResult>();
  const worker = new Worker(entry, { workerData: job });
  worker.once("message", resolve);
  worker.once("error", reject);
  const leave = () => reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  const timer = setTimeout(() => reject(tooLong()), TIME_LIMIT_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
    await worker.terminate();
  }
}
