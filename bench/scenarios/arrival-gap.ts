import type { Client } from "../load/client.ts";
import type { LoadResult } from "../load/closed-loop.ts";
import type { Outcome } from "../load/outcome.ts";
import { type GenerationRequest, makeWorkload } from "../load/workload.ts";
import { percentile } from "../report/statistics.ts";
import { finite } from "../report/summary.ts";
import { alternate, ratioCheck } from "./alternation.ts";
import type { Scenario } from "./scenario.ts";

const RUNNING_PROMPT = 60;
const RUNNING_TOKENS = 700;
const ARRIVING_PROMPT = 900;
const ARRIVING_TOKENS = 8;
/** Pieces that every running stream must have had before the first arrival: all are then decoding. */
const SETTLED_PIECES = 20;
/** `STEP_TARGET_MS` of our server, its default, and the bar's slack. */
const STEP_TARGET_MS = 100;
const STEP_SLACK = 1.5;

/** A long prompt arrives while others stream: how long do they stall? */
export const arrivalGap: Scenario = {
  summary: "running streams while 900-token prompts arrive: the p95 gap that their readers see",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const streams = options.concurrency?.[0] ?? 8;
    const arrivals = options.requests ?? 5;
    const name = `${streams} streams`;
    const measurements = await alternate(context, 3, async (side, round) => {
      await using server = await context.start(side, { clients: streams + 1 });
      const fixed = (value: number) => ({ type: "fixed", value }) as const;
      const seed = options.seed + 100 * round;
      const running = makeWorkload({
        requests: streams,
        promptTokens: fixed(RUNNING_PROMPT),
        newTokens: fixed(RUNNING_TOKENS),
        seed,
      });
      const arriving = makeWorkload({
        requests: arrivals,
        promptTokens: fixed(ARRIVING_PROMPT),
        newTokens: fixed(ARRIVING_TOKENS),
        seed: seed + 1,
      });
      let gaps: SplitGaps = { during: [], otherwise: [] };
      const { measurement } = await context.measure(server, { case: name, round }, async (client) => {
        const result = await runArrivals(client, running, arriving);
        gaps = splitGaps(result.streams, result.arrivals);
        return { outcomes: [...result.streams, ...result.arrivals], wallMs: result.wallMs };
      });
      const figures = finite({
        ...measurement.figures,
        arrivalGapP50Ms: percentile(gaps.during, 50),
        arrivalGapP95Ms: percentile(gaps.during, 95),
        arrivalGapMaxMs: percentile(gaps.during, 100),
        quietGapP95Ms: percentile(gaps.otherwise, 95),
      });
      return [{ ...measurement, figures }];
    });
    const own = measurements.filter(({ side }) => side === "ours");
    const worst = percentile(
      own.flatMap(({ figures }) => figures["arrivalGapP95Ms"] ?? []),
      50,
    );
    const limit = STEP_TARGET_MS * STEP_SLACK;
    return {
      measurements,
      checks: [
        ...ratioCheck(measurements, name, "arrivalGapP95Ms", { atMost: 1 }),
        {
          what: "arrivalGapP95Ms of ours, median of the rounds",
          measured: `${worst.toFixed(0)} ms`,
          bar: `≤ ${limit} ms (STEP_TARGET_MS × ${STEP_SLACK})`,
          isMet: worst <= limit,
        },
      ],
      charts: [],
      notes: [
        `arrivalGap: gaps of the ${streams} running streams between the sending of a ${ARRIVING_PROMPT}-token prompt and its first token; quietGap: all their other gaps.`,
      ],
    };
  },
};

interface Arrivals extends Pick<LoadResult, "wallMs"> {
  readonly streams: readonly Outcome[];
  readonly arrivals: readonly Outcome[];
}

/** Starts all streams, waits until they run, then sends the long prompts one after another. */
async function runArrivals(
  client: Client,
  running: readonly GenerationRequest[],
  arriving: readonly GenerationRequest[],
): Promise<Arrivals> {
  const startedAt = performance.now();
  const settled: Promise<void>[] = [];
  const streams = running.map((request) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    settled.push(promise);
    let pieces = 0;
    const sent = client.send(request, undefined, () => {
      if (++pieces === SETTLED_PIECES) resolve();
    });
    // A stream that fails must not hold the others up.
    return sent.finally(resolve);
  });
  await Promise.all(settled);
  const arrivals: Outcome[] = [];
  for (const request of arriving) arrivals.push(await client.send(request));
  const outcomes = await Promise.all(streams);
  return { streams: outcomes, arrivals, wallMs: performance.now() - startedAt };
}

export interface SplitGaps {
  readonly during: readonly number[];
  readonly otherwise: readonly number[];
}

/** Gaps that overlap the time from an arrival's sending to its first token, and the others. */
export function splitGaps(streams: readonly Outcome[], arrivals: readonly Outcome[]): SplitGaps {
  const windows = arrivals.map((arrival) => ({
    from: arrival.startedAtMs,
    to: arrival.startedAtMs + (arrival.arrivalsMs[0] ?? arrival.latencyMs),
  }));
  const during: number[] = [];
  const otherwise: number[] = [];
  for (const { startedAtMs, arrivalsMs } of streams) {
    for (const [index, at] of arrivalsMs.entries()) {
      const previous = arrivalsMs[index - 1];
      if (previous === undefined) continue;
      const overlaps = windows.some(({ from, to }) => startedAtMs + previous < to && startedAtMs + at > from);
      (overlaps ? during : otherwise).push(at - previous);
    }
  }
  return { during, otherwise };
}
