import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "./client.ts";
import type { LoadResult } from "./closed-loop.ts";
import type { Outcome } from "./outcome.ts";
import type { SeededRandom } from "./random.ts";
import type { GenerationRequest } from "./workload.ts";

export interface ThinkingUsers {
  readonly users: number;
  /** Mean of the exponential time from an answer to the user's next request. */
  readonly thinkMs: number;
  readonly durationMs: number;
  readonly random: SeededRandom;
  readonly draw: (random: SeededRandom) => GenerationRequest;
  readonly signal: AbortSignal;
}

/** Users who send, wait for the answer, think, and send again, each begun at some moment of a thinking time. */
export async function runThinkingUsers(client: Client, options: ThinkingUsers): Promise<LoadResult> {
  const { users, thinkMs, durationMs, random, draw, signal } = options;
  const outcomes: Outcome[] = [];
  const startedAt = performance.now();
  const one = async (own: SeededRandom) => {
    await pause(own.next() * thinkMs, undefined, { signal });
    while (performance.now() - startedAt < durationMs) {
      outcomes.push(await client.send(draw(own)));
      await pause(own.exponential(thinkMs), undefined, { signal });
    }
  };
  await Promise.all(Array.from({ length: users }, () => one(random.fork())));
  return { outcomes, wallMs: performance.now() - startedAt };
}
