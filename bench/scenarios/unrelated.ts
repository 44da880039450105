import { runClosedLoop } from "../load/closed-loop.ts";
import { parseDistribution } from "../load/distribution.ts";
import { makeWorkload } from "../load/workload.ts";
import type { Measurement } from "../report/report.ts";
import type { RunningServer, Side } from "../servers/server.ts";
import { chartByCase, interleave, ratioCheck } from "./alternation.ts";
import type { Scenario } from "./scenario.ts";

/** Requests per client: every case lasts about as long on a server that scales. */
const REQUESTS_PER_CLIENT = 3;

/** Prompts that share nothing: what the engine and the server around it do by themselves. */
export const unrelated: Scenario = {
  summary: "200 prompt + 120 new tokens, all different, at C = 1, 8, 20, 40: throughput and latency",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const levels = options.concurrency ?? [1, 8, 20, 40];
    const measurements: Measurement[] = [];
    for (const concurrency of levels) {
      const start = (side: Side) => context.start(side, { clients: concurrency });
      const turn = async (server: RunningServer, _: Side, round: number) => {
        const workload = makeWorkload({
          requests: options.requests ?? Math.max(6, REQUESTS_PER_CLIENT * concurrency),
          promptTokens: parseDistribution(options.promptTokens ?? "200"),
          newTokens: parseDistribution(options.newTokens ?? "120"),
          seed: options.seed + 100 * round + concurrency,
        });
        const { measurement } = await context.measure(server, { case: `C=${concurrency}`, round }, (client) =>
          runClosedLoop(client, workload, concurrency, context.signal),
        );
        return measurement;
      };
      measurements.push(...(await interleave(context, 5, context.sides, start, turn)));
    }
    return {
      measurements,
      checks: levels.flatMap((concurrency) =>
        ratioCheck(measurements, `C=${concurrency}`, "tokensPerSecond", {
          atLeast: concurrency >= 20 ? 1.1 : 1,
        }),
      ),
      charts: [
        chartByCase(measurements, "tokensPerSecond", "generated tokens per second"),
        chartByCase(measurements, "latencyP95Ms", "p95 latency (ms)"),
        chartByCase(measurements, "firstTokenP95Ms", "p95 time to first token (ms)"),
      ],
      notes: [],
    };
  },
};
