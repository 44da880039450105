import type { Client } from "./client.ts";
import type { LoadResult } from "./closed-loop.ts";
import type { Outcome } from "./outcome.ts";
import type { SeededRandom } from "./random.ts";
import type { GenerationRequest } from "./workload.ts";

/** Requests on their way at once that this process will hold; more are counted as failed, not sent. */
const MAX_IN_FLIGHT = 8000;

export interface OpenLoopOptions {
  readonly requestsPerSecond: number;
  readonly durationMs: number;
  readonly random: SeededRandom;
  readonly signal?: AbortSignal | undefined;
}

/** The times of a Poisson process within a duration, in milliseconds from its start. */
export function poissonArrivals(perSecond: number, durationMs: number, random: SeededRandom): number[] {
  const arrivals: number[] = [];
  let at = random.exponential(1000 / perSecond);
  while (at < durationMs) {
    arrivals.push(at);
    at += random.exponential(1000 / perSecond);
  }
  return arrivals;
}

/** Sends requests at the times of a Poisson process, as independent users do. */
export function runOpenLoop(
  client: Client,
  workload: readonly GenerationRequest[],
  options: OpenLoopOptions,
): Promise<LoadResult> {
  const arrivals = poissonArrivals(options.requestsPerSecond, options.durationMs, options.random);
  return runArrivals(client, workload, arrivals, options.signal);
}

/**
 * Sends requests at given times, in milliseconds from now, however slow the answers are. The workload is gone through
 * again when it is shorter than the arrivals. Resolves when the last answer is there.
 */
export async function runArrivals(
  client: Client,
  workload: readonly GenerationRequest[],
  arrivals: readonly number[],
  signal?: AbortSignal,
): Promise<LoadResult> {
  const outcomes: Outcome[] = [];
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  let next = 0;
  const sendDue = () => {
    const now = performance.now() - startedAt;
    for (; next < arrivals.length && (arrivals[next] ?? 0) <= now; next++) {
      const request = workload[next % workload.length];
      if (request === undefined) continue;
      if (underWay.size >= MAX_IN_FLIGHT) {
        outcomes.push(notSent());
        continue;
      }
      const sent: Promise<void> = client.send(request).then((outcome) => {
        outcomes.push(outcome);
        underWay.delete(sent);
      });
      underWay.add(sent);
    }
  };
  while (next < arrivals.length && !signal?.aborted) {
    sendDue();
    const waitMs = (arrivals[next] ?? 0) - (performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
  }
  await Promise.all(underWay);
  return { outcomes, wallMs: performance.now() - startedAt };
}

function notSent(): Outcome {
  return {
    startedAtMs: performance.now(),
    status: 0,
    failure: "client_in_flight_limit",
    latencyMs: 0,
    arrivalsMs: [],
    usage: undefined,
    retryAfterSeconds: undefined,
  };
}
