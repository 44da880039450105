import { runClosedLoop } from "../load/closed-loop.ts";
import { parseDistribution } from "../load/distribution.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import { isComplete, isRejection, type Outcome } from "../load/outcome.ts";
import { SeededRandom } from "../load/random.ts";
import { makeWorkload } from "../load/workload.ts";
import { medianOf } from "../report/comparison.ts";
import type { Check, Line, Measurement } from "../report/report.ts";
import { percentile, sum } from "../report/statistics.ts";
import { finite } from "../report/summary.ts";
import { alternate } from "./alternation.ts";
import type { MeasuredLoad } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 20;
const FACTORS = [1, 10] as const;
const REJECTION_WITHIN_MS = 50;
/** Growth of memory from a quarter of the load on to its end that still counts as flat. */
const FLAT_GROWTH = 1.1;

/** Ten times too much load: steady service for those admitted, and an immediate, honest no for the rest. */
export const overload: Scenario = {
  summary:
    "open loop at 1 × and 10 × capacity: latency of the admitted, goodput, how rejections look, memory",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const durationMs = 1000 * (options.durationSeconds ?? 60);
    const clients = options.concurrency?.[0] ?? CLIENTS;
    const memory: Line[] = [];
    const measurements = await alternate(context, 1, async (side, round) => {
      await using server = await context.start(side, { clients });
      const workloadOf = (requests: number, seed: number) =>
        makeWorkload({
          requests,
          promptTokens: parseDistribution(options.promptTokens ?? "200"),
          newTokens: parseDistribution(options.newTokens ?? "120"),
          seed,
        });
      const seed = options.seed + 100 * round;
      const closed = await context.measure(server, { case: "capacity", round }, (client) =>
        runClosedLoop(client, workloadOf(options.requests ?? 3 * clients, seed), clients, context.signal),
      );
      const capacity = closed.measurement.figures["requestsPerSecond"] ?? Number.NaN;
      const found: Measurement[] = [closed.measurement];
      for (const factor of FACTORS) {
        const requestsPerSecond = factor * capacity;
        // Enough different prompts that none is still cached when it comes round again.
        const workload = workloadOf(
          Math.min(4000, Math.ceil((requestsPerSecond * durationMs) / 1000) + 10),
          seed + factor,
        );
        const random = new SeededRandom(seed + factor);
        const open = await context.measure(server, { case: `${factor} × capacity`, round }, (client) =>
          runOpenLoop(client, workload, { requestsPerSecond, durationMs, random, signal: context.signal }),
        );
        found.push(withAdmission(open, durationMs));
        memory.push({
          label: `${side} ${factor} × (${round})`,
          points: open.memory.map(({ atSeconds, residentBytes }) => [atSeconds, residentBytes / 2 ** 20]),
        });
      }
      return found;
    });
    return {
      measurements,
      checks: overloadChecks(measurements),
      charts: [
        {
          name: "memory",
          title: "memory under load",
          xLabel: "seconds",
          yLabel: "resident MiB",
          lines: memory,
        },
      ],
      notes: [
        "Goodput counts the tokens that reached clients while requests were arriving, of answers that were finished; failures by reason tell rejections at once from those after a wait in the queue.",
      ],
    };
  },
};

/** Adds what only an open loop has: goodput while requests arrive, and how the refused were told. */
function withAdmission({ measurement, load, memory }: MeasuredLoad, durationMs: number): Measurement {
  const rejections = load.outcomes.filter(isRejection);
  const waits = rejections.map((outcome) => outcome.latencyMs);
  const settled = memory[Math.floor(memory.length / 4)]?.residentBytes ?? Number.NaN;
  const figures = finite({
    ...measurement.figures,
    admittedTokensPerSecond: deliveredTokens(load.outcomes, durationMs) / (durationMs / 1000),
    rejectionP50Ms: percentile(waits, 50),
    rejectionP99Ms: percentile(waits, 99),
    rejectionMaxMs: percentile(waits, 100),
    lateRejections: waits.filter((wait) => wait > REJECTION_WITHIN_MS).length,
    withoutRetryAfter: rejections.filter(({ retryAfterSeconds }) => !(Number(retryAfterSeconds) > 0)).length,
    otherServerErrors: load.outcomes.filter(({ status }) => status >= 500 && status !== 503).length,
    withoutAnswer: load.outcomes.filter(({ status }) => status === 0).length,
    memoryGrowth: (memory.at(-1)?.residentBytes ?? Number.NaN) / settled,
  });
  return { ...measurement, figures };
}

/**
 * Tokens that reached clients in the first `durationMs`, of answers that were finished sooner or later: work on what
 * was given up in the end is not good. By arrivals and not by ends, since answers that take a third of the time to
 * finish would otherwise leave a third of it empty.
 */
export function deliveredTokens(outcomes: readonly Outcome[], durationMs: number): number {
  const startedAt = outcomes.reduce((first, outcome) => Math.min(first, outcome.startedAtMs), Infinity);
  return sum(
    outcomes.filter(isComplete).map((outcome) => {
      const inTime = outcome.arrivalsMs.filter((at) => outcome.startedAtMs + at - startedAt <= durationMs);
      const tokens = outcome.usage?.completionTokens ?? 0;
      return (tokens * inTime.length) / Math.max(1, outcome.arrivalsMs.length);
    }),
  );
}

function overloadChecks(measurements: readonly Measurement[]): readonly Check[] {
  const of = (name: string, figure: string) => medianOf(measurements, name, "ours", figure) ?? Number.NaN;
  const high = "10 × capacity";
  const latency = of(high, "latencyP95Ms") / of("1 × capacity", "latencyP95Ms");
  const goodput = of(high, "admittedTokensPerSecond") / of("capacity", "tokensPerSecond");
  const atMost = (what: string, measured: number, bar: number, digits = 0): Check => ({
    what,
    measured: measured.toFixed(digits),
    bar: `≤ ${bar}`,
    isMet: measured <= bar,
  });
  return [
    atMost("p95 latency of the admitted, 10 × / 1 ×", latency, 2, 2),
    { what: "goodput / capacity at 10 ×", measured: goodput.toFixed(2), bar: "≥ 0.9", isMet: goodput >= 0.9 },
    atMost(`rejections later than ${REJECTION_WITHIN_MS} ms`, of(high, "lateRejections"), 0),
    atMost("rejections without Retry-After", of(high, "withoutRetryAfter"), 0),
    atMost("other 5xx", of(high, "otherServerErrors"), 0),
    atMost("memory at the end / after a quarter", of(high, "memoryGrowth"), FLAT_GROWTH, 2),
  ];
}
