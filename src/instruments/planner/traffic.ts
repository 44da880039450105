import type { SeededRandom } from "../../features/evaluation/statistics/random.ts";
import type { LedgerRow } from "../../telemetry/ledger/row.ts";
import type { Arrivals, SimulatedRequest } from "./simulation.ts";

/** What requests are like: drawn around means, or one of some that were recorded. */
export type RequestShapes =
  | {
      readonly type: "described";
      readonly promptTokens: number;
      readonly sharedTokens: number;
      readonly completionTokens: number;
      /** Standard deviation over mean, of the tokens that requests do not share. */
      readonly variation: number;
    }
  | { readonly type: "recorded"; readonly requests: readonly SimulatedRequest[] };

export function drawRequest(shapes: RequestShapes, window: number, random: SeededRandom): SimulatedRequest {
  if (shapes.type === "recorded") {
    const found = shapes.requests[random.integer(shapes.requests.length)];
    if (found === undefined) throw new Error("traffic of no requests");
    return fitted(found, window);
  }
  const { promptTokens, sharedTokens, completionTokens, variation } = shapes;
  const around = (mean: number) => Math.max(1, Math.round(lognormal(mean, variation, random)));
  const request = {
    sharedTokens,
    promptTokens: sharedTokens + around(Math.max(1, promptTokens - sharedTokens)),
    completionTokens: around(completionTokens),
  };
  return fitted(request, window);
}

/** The context window ends answers, and no prompt fills it. */
function fitted(
  { promptTokens, sharedTokens, completionTokens }: SimulatedRequest,
  window: number,
): SimulatedRequest {
  const prompt = Math.min(promptTokens, window - 1);
  return {
    promptTokens: prompt,
    sharedTokens: Math.min(sharedTokens, prompt),
    completionTokens: Math.min(completionTokens, window - prompt),
  };
}

/** Users who send, read the answer, think and send again; each begins at some moment of a thinking time. */
export function closedLoop(
  users: number,
  thinkMs: number,
  draw: () => SimulatedRequest,
  random: SeededRandom,
): Arrivals {
  const think = () => -Math.log(1 - random.next()) * thinkMs;
  const first = Array.from({ length: users }, () => ({ at: random.next() * thinkMs, request: draw() }));
  return {
    first: first.toSorted((a, b) => a.at - b.at),
    next: (now) => ({ at: now + think(), request: draw() }),
  };
}

/** Requests that came when they did. */
export function recorded(rows: readonly LedgerRow[]): Arrivals {
  const [first] = rows;
  if (first === undefined) throw new Error("a record of no requests");
  return {
    first: rows.map((row) => ({ at: row.at - first.at, request: requestOf(row) })),
    next: () => undefined,
  };
}

/** Rows that a simulation can stand for: one answer each, computed and whole. */
export function isSimulable(row: LedgerRow): boolean {
  return (
    row.generations === 1 &&
    !row.cached &&
    row.status === 200 &&
    row.completionTokens > 0 &&
    row.promptTokens > 0
  );
}

/** What was cached of a prompt is taken for a beginning that all have in common; tokens that were drafted took no step. */
export function requestOf(row: LedgerRow): SimulatedRequest {
  return {
    promptTokens: row.promptTokens,
    sharedTokens: row.cachedPromptTokens,
    completionTokens: Math.max(1, row.completionTokens - row.acceptedTokens),
  };
}

function lognormal(mean: number, variation: number, random: SeededRandom): number {
  if (variation === 0) return mean;
  const variance = Math.log(1 + variation * variation);
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.exp(Math.log(mean) - variance / 2 + Math.sqrt(variance) * normal);
}
