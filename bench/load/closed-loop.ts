import type { Client } from "./client.ts";
import type { Outcome } from "./outcome.ts";
import type { GenerationRequest } from "./workload.ts";

/** A finished load: what became of every request, and how long it all took. */
export interface LoadResult {
  readonly outcomes: readonly Outcome[];
  /** First request sent to last answer received. */
  readonly wallMs: number;
}

/** `concurrency` clients, each sending its next request as soon as it has the answer to its last. */
export async function runClosedLoop(
  client: Client,
  workload: readonly GenerationRequest[],
  concurrency: number,
  signal?: AbortSignal,
): Promise<LoadResult> {
  const outcomes: Outcome[] = [];
  const startedAt = performance.now();
  const remaining = workload.values();
  const runOne = async () => {
    for (const request of remaining) {
      if (signal?.aborted) return;
      outcomes.push(await client.send(request));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runOne));
  return { outcomes, wallMs: performance.now() - startedAt };
}
