import { runClosedLoop } from "../load/closed-loop.ts";
import { parseDistribution } from "../load/distribution.ts";
import { makeWorkload } from "../load/workload.ts";
import type { Measurement } from "../report/report.ts";
import { median } from "../report/statistics.ts";
import { ratioCheck } from "./alternation.ts";
import type { Scenario } from "./scenario.ts";

/** What HTTP and scheduling cost: the wall time that is not spent computing. */
export const overhead: Scenario = {
  summary: "share of the wall time at C = 20 that is spent inside llama_decode and sampling",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const clients = options.concurrency?.[0] ?? 20;
    const sides = context.sides.filter((side) => side !== "peer");
    const measurements: Measurement[] = [];
    for (let round = 1; round <= (options.rounds ?? 3); round++) {
      for (const side of sides) {
        await using server = await context.start(side, { clients });
        const workload = makeWorkload({
          requests: options.requests ?? 3 * clients,
          promptTokens: parseDistribution(options.promptTokens ?? "200"),
          newTokens: parseDistribution(options.newTokens ?? "120"),
          seed: options.seed + 100 * round,
        });
        const { measurement } = await context.measure(server, { case: `C=${clients}`, round }, (client) =>
          runClosedLoop(client, workload, clients, context.signal),
        );
        measurements.push(measurement);
      }
    }
    const own = measurements.filter(({ side }) => side === "ours");
    const shares = own.flatMap(({ figures }) => {
      const native = figures["engineNativeMs"];
      return native === undefined ? [] : [native / (1000 * (figures["wallSeconds"] ?? Number.NaN))];
    });
    const delays = own.flatMap(({ figures }) => figures["eventLoopDelayP99Ms"] ?? []);
    return {
      measurements,
      checks: [
        ...ratioCheck(measurements, `C=${clients}`, "tokensPerSecond", { atLeast: 1 }),
        {
          what: "engineNativeMs / wall time",
          measured: shares.map((share) => share.toFixed(3)).join(" ") || "no counters",
          bar: "≥ 0.95",
          isMet: median(shares) >= 0.95,
        },
        {
          what: "p99 of the HTTP process's event-loop delay",
          measured: delays.map((delay) => `${delay.toFixed(1)} ms`).join(", "),
          bar: "≤ 20 ms",
          isMet: median(delays) <= 20,
        },
      ],
      charts: [],
      notes: ["The event-loop delay counts from a 10 ms timer: an idle process shows a little over 10 ms."],
    };
  },
};
