import { runClosedLoop } from "../load/closed-loop.ts";
import { runArrivals } from "../load/open-loop.ts";
import { arrivalsAt, readTrace, requestOf } from "../load/trace.ts";
import { casesOf, medianOf } from "../report/comparison.ts";
import type { Check, Measurement } from "../report/report.ts";
import type { Side } from "../servers/server.ts";
import { ratioCheck } from "./alternation.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

/** Mean arrival rates over the slower server's capacity, and what ours must have of the peer's goodput there. */
const LOADS = [
  { load: 0.5, atLeast: 1 },
  { load: 0.8, atLeast: 1.2 },
  { load: 1.1, atLeast: 1.5 },
] as const;
const CLIENTS = 20;
/** Share of good answers that a load must keep to count as served. */
const SERVED = 0.9;

/** The arrivals and lengths of a real service, scaled to the machine. */
export const trace: Scenario = {
  summary:
    "a recorded trace (--trace FILE), lengths and times scaled, at 0.5, 0.8 and 1.1 of the slower server's capacity: goodput, and the highest load served",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    if (options.trace === undefined)
      throw new Error("trace needs --trace: a CSV of Azure's or JSON lines of Mooncake's");
    const entries = readTrace(options.trace, options.contextSize);
    const measurements: Measurement[] = [];
    for (let round = 1; round <= (options.rounds ?? 3); round++) {
      const seed = options.seed + 100 * round;
      const rates: number[] = [];
      for (const side of context.sides) {
        const found = await capacityOf(context, side, round, entries.slice(0, 4 * CLIENTS), seed);
        measurements.push(found);
        rates.push(found.figures["requestsPerSecond"] ?? Number.NaN);
      }
      const capacity = Math.min(...rates);
      for (const { load } of LOADS) {
        const perSecond = load * capacity;
        const count = Math.max(20, Math.ceil(perSecond * (options.durationSeconds ?? 20)));
        const replayed = entries.slice(4 * CLIENTS).slice(0, count);
        const workload = replayed.map((entry, index) => requestOf(entry, index, seed));
        for (const side of context.sides) {
          await using server = await context.start(side, { clients: CLIENTS, sequences: 0 });
          const { measurement } = await context.measure(server, { case: nameOf(load), round }, (client) =>
            runArrivals(client, workload, arrivalsAt(replayed, perSecond), context.signal),
          );
          measurements.push(measurement);
        }
      }
    }
    return {
      measurements,
      checks: [
        ...LOADS.flatMap(({ load, atLeast }) =>
          ratioCheck(measurements, nameOf(load), "goodTokensPerSecond", { atLeast }),
        ),
        ...servedChecks(measurements),
      ],
      charts: [],
      notes: [
        `A load is served where at least ${SERVED} of its answers kept --slo-first-token and --slo-token.`,
      ],
    };
  },
};

function nameOf(load: number): string {
  return `load ${load}`;
}

async function capacityOf(
  context: BenchContext,
  side: Side,
  round: number,
  entries: ReturnType<typeof readTrace>,
  seed: number,
): Promise<Measurement> {
  await using server = await context.start(side, { clients: CLIENTS, sequences: 0 });
  const workload = entries.map((entry, index) => requestOf(entry, index, seed + 1));
  const { measurement } = await context.measure(server, { case: "capacity", round }, (client) =>
    runClosedLoop(client, workload, CLIENTS, context.signal),
  );
  return measurement;
}

/** The highest load that each server keeps its service level at. */
function servedChecks(measurements: readonly Measurement[]): readonly Check[] {
  const served = (side: string) =>
    LOADS.filter(({ load }) => {
      const of = (figure: string) => medianOf(measurements, nameOf(load), side, figure) ?? Number.NaN;
      return (of("goodRequestsPerSecond") * of("wallSeconds")) / of("requests") >= SERVED;
    }).at(-1)?.load ?? 0;
  if (casesOf(measurements).length === 0) return [];
  return [
    {
      what: "highest load served, ours and peer",
      measured: `${served("ours")}, ${served("peer")}`,
      bar: "ours ≥ peer",
      isMet: served("ours") >= served("peer"),
    },
  ];
}
