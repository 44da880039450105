import type { Client } from "./client.ts";
import type { LoadResult } from "./closed-loop.ts";
import { isComplete, type Outcome } from "./outcome.ts";
import type { GenerationRequest } from "./workload.ts";

export interface SteadyLoad extends LoadResult {
  /** Generated tokens per second while every client had a request under way. */
  readonly steadyTokensPerSecond: number;
}

/** Share of the duration after which requests are out of step with one another, as they are in a long run. */
const SETTLED_SHARE = 0.2;

/**
 * `concurrency` clients that send one request after another for `durationMs`, and then finish the last. The rate is
 * that of the time when all were busy: an answer's tokens count as spread evenly from its first to its last.
 */
export async function runSteady(
  client: Client,
  workload: Iterator<GenerationRequest>,
  { concurrency, durationMs, signal }: { concurrency: number; durationMs: number; signal?: AbortSignal },
): Promise<SteadyLoad> {
  const outcomes: Outcome[] = [];
  const startedAt = performance.now();
  const end = startedAt + durationMs;
  const runOne = async () => {
    while (performance.now() < end && !signal?.aborted) {
      const request = workload.next();
      if (request.done === true) {
        const failures = new Set(outcomes.flatMap(({ failure }) => failure ?? []));
        throw new Error(`the workload is shorter than the load; failures: ${[...failures].join() || "none"}`);
      }
      outcomes.push(await client.send(request.value));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runOne));
  const from = startedAt + SETTLED_SHARE * durationMs;
  return {
    outcomes,
    wallMs: performance.now() - startedAt,
    steadyTokensPerSecond: (tokensWithin(outcomes, from, end) / (end - from)) * 1000,
  };
}

/** Tokens of complete answers between two times of `performance.now()`. */
export function tokensWithin(outcomes: readonly Outcome[], from: number, to: number): number {
  let tokens = 0;
  for (const { startedAtMs, arrivalsMs, usage } of outcomes.filter(isComplete)) {
    const first = startedAtMs + (arrivalsMs[0] ?? 0);
    const last = startedAtMs + (arrivalsMs.at(-1) ?? 0);
    const overlap = Math.min(to, last) - Math.max(from, first);
    const share = last > first ? overlap / (last - first) : first >= from && first < to ? 1 : 0;
    tokens += Math.max(0, share) * (usage?.completionTokens ?? 0);
  }
  return tokens;
}
