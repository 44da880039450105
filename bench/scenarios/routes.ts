import { runClosedLoop } from "../load/closed-loop.ts";
import { parseDistribution } from "../load/distribution.ts";
import { makeWorkload } from "../load/workload.ts";
import type { Measurement } from "../report/report.ts";
import { spreadOf } from "../report/statistics.ts";
import type { Scenario } from "./scenario.ts";

const routes = ["chat", "openai"] as const;

/** What OpenAI's shape costs beside our own: more JSON a token, chunks instead of a line. */
export const routesCompared: Scenario = {
  summary: "POST /v1/chat/completions beside POST /chat, streaming, C = 20, in alternation",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const clients = options.concurrency?.[0] ?? 20;
    const measurements: Measurement[] = [];
    const ratios: number[] = [];
    for (let round = 1; round <= (options.rounds ?? 5); round++) {
      const rates = new Map<string, number>();
      // Each route goes first every other time.
      for (const route of round % 2 === 0 ? routes.toReversed() : routes) {
        await using server = await context.start("ours", { clients, route });
        const workload = makeWorkload({
          requests: options.requests ?? 3 * clients,
          promptTokens: parseDistribution(options.promptTokens ?? "200"),
          newTokens: parseDistribution(options.newTokens ?? "120"),
          seed: options.seed + 100 * round,
        });
        const { measurement } = await context.measure(
          server,
          { case: `C=${clients}`, round, side: route },
          (client) => runClosedLoop(client, workload, clients, context.signal),
        );
        measurements.push(measurement);
        rates.set(route, measurement.figures["tokensPerSecond"] ?? Number.NaN);
      }
      ratios.push((rates.get("openai") ?? Number.NaN) / (rates.get("chat") ?? Number.NaN));
    }
    const { median, min, max } = spreadOf(ratios);
    return {
      measurements,
      checks: [
        {
          what: "tokensPerSecond, /v1/chat/completions / chat",
          measured: `${median.toFixed(3)} (${min.toFixed(3)} – ${max.toFixed(3)})`,
          bar: "≥ 0.97",
          isMet: median >= 0.97,
        },
      ],
      charts: [],
      notes: [],
    };
  },
};
