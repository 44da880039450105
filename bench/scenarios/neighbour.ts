import { runClosedLoop } from "../load/closed-loop.ts";
import { Neighbour } from "../load/neighbour.ts";
import { makeWorkload } from "../load/workload.ts";
import type { Check, Measurement } from "../report/report.ts";
import { median } from "../report/statistics.ts";
import type { RunningServer } from "../servers/server.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

/** Tokens that let our server notice that it has, or no longer has, neighbours. */
const NOTICE_TOKENS = 60;
const sides = [
  { side: "ours", threads: 0 },
  { side: "ours, THREADS=1", threads: 1 },
  { side: "ours, THREADS=2", threads: 2 },
] as const;
const counts = [0, 1, 2, 4, 8];

/** Other processes keep the cores busy: does the thread count follow? */
export const neighbour: Scenario = {
  summary: "throughput at C = 1 and 8 beside 0 to 8 busy processes: our default against fixed thread counts",
  defaultModel: "distilgpt2",
  async run(context) {
    const levels = context.options.concurrency ?? [1, 8];
    const clients = Math.max(...levels);
    const measurements: Measurement[] = [];
    for (let round = 1; round <= (context.options.rounds ?? 3); round++) {
      await using servers = new AsyncDisposableStack();
      const started = [];
      for (const { side, threads } of sides) {
        started.push({ side, server: servers.use(await context.start("ours", { clients, threads })) });
      }
      for (const count of counts) {
        using neighbours = new DisposableStack();
        for (let index = 0; index < count; index++) neighbours.use(new Neighbour());
        for (const level of levels) {
          for (const { side, server } of started) {
            measurements.push(await turn(context, server, { side, round, count, level }));
          }
        }
      }
    }
    return {
      measurements,
      checks: counts.flatMap((count) => levels.map((level) => check(measurements, count, level))),
      charts: [],
      notes: [
        "A neighbour is one process that counts without pause, at normal priority, on no fixed core. The three servers " +
          "run side by side and are loaded in turn.",
      ],
    };
  },
};

interface Turn {
  readonly side: string;
  readonly round: number;
  readonly count: number;
  readonly level: number;
}

async function turn(
  context: BenchContext,
  server: RunningServer,
  { side, round, count, level }: Turn,
): Promise<Measurement> {
  const { options } = context;
  const fixed = (value: number) => ({ type: "fixed", value }) as const;
  const seed = options.seed + 1000 * round + 10 * count + level;
  using client = context.client(server);
  const notice = { requests: level, promptTokens: fixed(20), newTokens: fixed(NOTICE_TOKENS), seed };
  await runClosedLoop(client, makeWorkload(notice), level, context.signal);
  const workload = makeWorkload({
    requests: options.requests ?? 2 * level,
    promptTokens: fixed(100),
    newTokens: fixed(60),
    seed: seed + 500,
  });
  const { measurement } = await context.measure(
    server,
    { case: nameOf(count, level), round, side },
    (measured) => runClosedLoop(measured, workload, level, context.signal),
  );
  return measurement;
}

function nameOf(count: number, level: number): string {
  return `${count} busy, C=${level}`;
}

/** Round by round: throughput of the default over the better of the fixed counts. */
function check(measurements: readonly Measurement[], count: number, level: number): Check {
  const ofCase = measurements.filter((measurement) => measurement.case === nameOf(count, level));
  const shares = [...new Set(ofCase.map(({ round }) => round))].map((round) => {
    const rate = (side: string) =>
      ofCase.find((each) => each.round === round && each.side === side)?.figures["tokensPerSecond"] ??
      Number.NaN;
    return rate("ours") / Math.max(rate("ours, THREADS=1"), rate("ours, THREADS=2"));
  });
  const share = median(shares);
  return {
    what: `default / better fixed count, ${nameOf(count, level)}`,
    measured: `${share.toFixed(2)} (${shares.map((each) => each.toFixed(2)).join(" ")})`,
    bar: "≥ 0.9",
    isMet: share >= 0.9,
  };
}
