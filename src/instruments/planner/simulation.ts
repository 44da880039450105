import type { SeededRandom } from "../../features/evaluation/statistics/random.ts";
import type { GenerationParts } from "../../inference/generation-parts.ts";
import type { KvLayout } from "../../inference/kv-layout.ts";
import { Scheduler } from "../../inference/scheduler/scheduler.ts";
import { expectedMs, type StepShape } from "../../inference/scheduler/step-model.ts";
import { stepRoom } from "../../inference/scheduler/step-room.ts";
import type { StepFit } from "./step-fit.ts";
import { VirtualContext } from "./virtual-context.ts";

/** What is simulated: a server of this size, whose steps take what earlier ones took. */
export interface SimulatedServer {
  readonly sequences: number;
  readonly contextPerSequence: number;
  readonly batchSize: number;
  readonly stepTargetMs: number;
  readonly layout: KvLayout;
  /** Requests that may wait. */
  readonly maxQueue: number;
  /** From arrival to the scheduler, and from the last token to the client. */
  readonly prepareMs: number;
  readonly deliverMs: number;
  readonly fit: StepFit;
}

export interface SimulatedRequest {
  readonly promptTokens: number;
  /** Leading tokens of these that all requests have in common. */
  readonly sharedTokens: number;
  readonly completionTokens: number;
}

/** Who sends requests: each call of `next` may answer when the next one comes, and what it is. */
export interface Arrivals {
  /** The first ones, in order of time. */
  readonly first: ReadonlyArray<{ readonly at: number; readonly request: SimulatedRequest }>;
  /** What comes of an answer that ended, or was refused, at `now`. */
  next(now: number): { readonly at: number; readonly request: SimulatedRequest } | undefined;
}

export interface SimulatedAnswer {
  readonly arrivedAt: number;
  readonly isRefused: boolean;
  readonly timeToFirstTokenMs: number;
  readonly latencyMs: number;
  readonly decodeMs: number;
  readonly completionTokens: number;
  readonly parts: GenerationParts | undefined;
}

/** Where a step had nothing to do but to wait for its turn. */
const IDLE_STEP_MS = 0.1;
const anyText = { piece: () => Buffer.from("a"), isEndOfGeneration: () => false };

interface Arrival {
  readonly at: number;
  readonly request: SimulatedRequest;
}

/** Runs the scheduler over requests as they arrive, on a clock of its own, until `count` have been answered or refused. */
export function simulate(
  server: SimulatedServer,
  arrivals: Arrivals,
  count: number,
  random: SeededRandom,
): readonly SimulatedAnswer[] {
  const context = new VirtualContext({
    ...server,
    ...stepRoom(server.sequences, server.batchSize),
    decodeMs: (shape) => decodeMs(server.fit, shape, random),
  });
  const scheduler = new Scheduler(context, anyText, {
    stepTargetMs: server.stepTargetMs,
    clock: () => context.now,
    speculation: false,
  });
  const waiting: Arrival[] = [...arrivals.first];
  const running = new Map<number, Arrival>();
  const answers: SimulatedAnswer[] = [];
  let id = 0;
  let ownToken = 0;
  const finish = (answer: SimulatedAnswer) => {
    answers.push(answer);
    const next = arrivals.next(answer.arrivedAt + answer.latencyMs);
    if (next !== undefined) insert(waiting, next);
  };
  const admit = (arrival: Arrival) => {
    const { at, request } = arrival;
    if (running.size >= server.sequences + server.maxQueue) {
      finish(refusal(at));
      return;
    }
    const { promptTokens, sharedTokens } = request;
    const prompt = Int32Array.from({ length: promptTokens }, (_, position) =>
      position < sharedTokens ? position : 1_000_000 + (ownToken++ % 1_000_000_000),
    );
    running.set(++id, arrival);
    scheduler.add({
      id,
      prompt,
      maxTokens: request.completionTokens,
      stop: [],
      lane: "interactive",
      arrivedAt: at,
      createSampler: () => context.sampler(),
    });
  };
  while (answers.length < count) {
    // Users who ask again at once are refused again at once: these answers count, too.
    while (
      answers.length < count &&
      (waiting[0]?.at ?? Number.POSITIVE_INFINITY) + server.prepareMs <= context.now
    ) {
      const arrival = waiting.shift();
      if (arrival !== undefined) admit(arrival);
    }
    if (!scheduler.hasWork) {
      const [next] = waiting;
      if (next === undefined) return answers;
      context.now = Math.max(context.now, next.at + server.prepareMs);
      continue;
    }
    const before = context.now;
    const report = scheduler.step();
    const rows = report?.records[0]?.decodeRows ?? 0;
    context.now += server.fit.overheadMs + server.fit.overheadMsPerRow * rows;
    if (context.now === before) context.now += IDLE_STEP_MS;
    for (const { id: ended, done } of report?.outputs ?? []) {
      const arrival = running.get(ended);
      if (done === undefined || arrival === undefined) continue;
      running.delete(ended);
      const { queueMs, prefillMs, decodeMs: decoding, parts } = done.timings;
      finish({
        arrivedAt: arrival.at,
        isRefused: false,
        timeToFirstTokenMs: queueMs + prefillMs,
        latencyMs: queueMs + prefillMs + decoding + server.deliverMs,
        decodeMs: decoding,
        completionTokens: done.usage.completionTokens,
        parts,
      });
    }
  }
  return answers;
}

/** Drawn from what steps of its kind took. */
function decodeMs({ ratios, ...costs }: StepFit, shape: StepShape, random: SeededRandom): number {
  const known = shape.prefillTokens > 0 ? ratios.prefill : ratios.decode;
  return expectedMs(costs, shape) * (known[random.integer(known.length)] ?? 1);
}

function insert(waiting: Arrival[], arrival: Arrival): void {
  const at = waiting.findIndex((other) => other.at > arrival.at);
  waiting.splice(at < 0 ? waiting.length : at, 0, arrival);
}

function refusal(arrivedAt: number): SimulatedAnswer {
  return {
    arrivedAt,
    isRefused: true,
    timeToFirstTokenMs: 0,
    latencyMs: 0,
    decodeMs: 0,
    completionTokens: 0,
    parts: undefined,
  };
}
