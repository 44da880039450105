import { runClosedLoop } from "../load/closed-loop.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import { SeededRandom } from "../load/random.ts";
import { makeWorkload } from "../load/workload.ts";
import { alternate, chartByCase } from "./alternation.ts";
import type { Scenario } from "./scenario.ts";

const OPEN_LOOP_PER_SECOND = 20;

/** Seconds on a tiny model: shows that the benchmark itself works. */
export const smoke: Scenario = {
  summary: "a few seconds on a tiny model, to see that everything works",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    const { options } = context;
    const workload = makeWorkload({
      requests: options.requests ?? 12,
      promptTokens: { type: "uniform", min: 4, max: 30 },
      newTokens: { type: "lognormal", median: 12, sigma: 0.5, max: 40 },
      seed: options.seed,
    });
    const measurements = await alternate(context, 1, async (side, round) => {
      await using server = await context.start(side, { clients: 4, contextSize: 256 });
      const closed = await context.measure(server, { case: "C=4", round }, (client) =>
        runClosedLoop(client, workload, 4, context.signal),
      );
      const open = await context.measure(server, { case: `${OPEN_LOOP_PER_SECOND}/s`, round }, (client) =>
        runOpenLoop(client, workload, {
          requestsPerSecond: OPEN_LOOP_PER_SECOND,
          durationMs: 1000 * (options.durationSeconds ?? 1),
          random: new SeededRandom(options.seed),
          signal: context.signal,
        }),
      );
      return [closed.measurement, open.measurement];
    });
    return {
      measurements,
      checks: [],
      charts: [chartByCase(measurements, "tokensPerSecond", "generated tokens per second")],
      notes: [],
    };
  },
};
