import { runClosedLoop } from "../load/closed-loop.ts";
import { parseDistribution } from "../load/distribution.ts";
import { makeWorkload } from "../load/workload.ts";
import { alternate, ratioCheck } from "./alternation.ts";
import type { Scenario } from "./scenario.ts";

const SHARED_TOKENS = 550;

/** One long beginning in every prompt: system prompts, few-shot examples, retrieved context. */
export const sharedPrefix: Scenario = {
  summary:
    "600-token prompts that share 550, 40 new tokens, C = 20, both servers as they start: what reuse of the KV cache gives",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const levels = options.concurrency ?? [20];
    const measurements = await alternate(context, 3, async (side, round) => {
      const found = [];
      for (const concurrency of levels) {
        await using server = await context.start(side, { clients: concurrency, sequences: 0 });
        const workload = makeWorkload({
          requests: options.requests ?? Math.max(60, 3 * concurrency),
          promptTokens: parseDistribution(options.promptTokens ?? "600"),
          newTokens: parseDistribution(options.newTokens ?? "40"),
          sharedTokens: SHARED_TOKENS,
          seed: options.seed + 100 * round + concurrency,
        });
        const { measurement } = await context.measure(server, { case: `C=${concurrency}`, round }, (client) =>
          runClosedLoop(client, workload, concurrency, context.signal),
        );
        found.push(measurement);
      }
      return found;
    });
    return {
      measurements,
      checks: levels.flatMap((concurrency) => [
        ...ratioCheck(measurements, `C=${concurrency}`, "tokensPerSecond", { atLeast: 2.2 }),
        ...ratioCheck(measurements, `C=${concurrency}`, "firstTokenP95Ms", { atMost: 1 / 6 }),
      ]),
      charts: [],
      notes: [],
    };
  },
};
