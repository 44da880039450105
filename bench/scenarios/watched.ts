import { runClosedLoop } from "../load/closed-loop.ts";
import { parseDistribution } from "../load/distribution.ts";
import { makeWorkload } from "../load/workload.ts";
import type { Measurement } from "../report/report.ts";
import { median } from "../report/statistics.ts";
import { API_KEY } from "../servers/launches.ts";
import type { RunningServer } from "../servers/server.ts";
import type { Scenario } from "./scenario.ts";

const ROUNDS = 9;
/** What the console's page Now asks for, for as long as it is seen. */
const NOW = "/v1/live?topics=metrics,running,server&interval_ms=2000";

/** What the console costs the server: one load after another, with the page Now followed and without. */
export const watched: Scenario = {
  summary: "throughput at C = 20 with what the console's page Now follows, over that without",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const clients = options.concurrency?.[0] ?? 20;
    await using server = await context.start("ours", { clients });
    const measurements: Measurement[] = [];
    const ratios: number[] = [];
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
      const rate = new Map<boolean, number>();
      // The order is turned about each time: what else the machine does drifts.
      for (const isWatched of round % 2 === 1 ? [false, true] : [true, false]) {
        using _watching = isWatched ? await watch(server) : undefined;
        const workload = makeWorkload({
          requests: options.requests ?? 4 * clients,
          promptTokens: parseDistribution(options.promptTokens ?? "40"),
          newTokens: parseDistribution(options.newTokens ?? "100"),
          seed: options.seed + 100 * round + (isWatched ? 50 : 0),
        });
        const { measurement } = await context.measure(
          server,
          { case: `C=${clients}`, round, side: isWatched ? "watched" : "alone" },
          (client) => runClosedLoop(client, workload, clients, context.signal),
        );
        measurements.push(measurement);
        rate.set(isWatched, measurement.figures["tokensPerSecond"] ?? Number.NaN);
      }
      ratios.push((rate.get(true) ?? Number.NaN) / (rate.get(false) ?? Number.NaN));
    }
    const measured = median(ratios);
    return {
      measurements,
      checks: [
        {
          what: "tokens per second, watched / alone",
          measured: `${measured.toFixed(3)} (${ratios.map((ratio) => ratio.toFixed(3)).join(" ")})`,
          bar: "≥ 0.99",
          isMet: measured >= 0.99,
        },
      ],
      charts: [],
      notes: [
        `Watched: a client reads \`GET ${NOW}\` all the time, as the page does; no browser runs beside it.`,
      ],
    };
  },
};

/** Reads what the page reads, until it is disposed of. */
async function watch(server: RunningServer): Promise<Disposable> {
  const left = new AbortController();
  const response = await fetch(server.url + NOW, { headers: { "x-api-key": API_KEY }, signal: left.signal });
  if (!response.ok || response.body === null) throw new Error(`${NOW} answered ${response.status}`);
  response.body.pipeTo(new WritableStream(), { signal: left.signal }).catch((error: unknown) => {
    if (!left.signal.aborted) throw error;
  });
  return { [Symbol.dispose]: () => left.abort() };
}
