import { type ChildProcess, spawn } from "node:child_process";
import { runClosedLoop } from "../load/closed-loop.ts";
import { makeWorkload } from "../load/workload.ts";
import type { Measurement } from "../report/report.ts";
import { median } from "../report/statistics.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

/** The neighbour ends by itself after this long, should nobody end it. */
const NEIGHBOUR_LIFE_MS = 600_000;
/** Time for our server to notice that it has, or no longer has, a neighbour. */
const NOTICE_REQUESTS = 6;
const settings = [
  { side: "ours", threads: 0 },
  { side: "ours, THREADS=1", threads: 1 },
  { side: "ours, THREADS=2", threads: 2 },
] as const;

/** One other process keeps a core busy: does the thread count follow? */
export const neighbour: Scenario = {
  summary: "throughput at C = 8 beside one busy process: our default against fixed thread counts",
  defaultModel: "distilgpt2",
  async run(context) {
    const measurements: Measurement[] = [];
    for (let round = 1; round <= (context.options.rounds ?? 3); round++) {
      for (const isBusy of [false, true]) {
        for (const setting of settings) measurements.push(await turn(context, round, isBusy, setting));
      }
    }
    const shares = roundShares(measurements);
    const share = median(shares);
    return {
      measurements,
      checks: [
        {
          what: "default / better fixed count, beside a busy process",
          measured: `${share.toFixed(2)} (${shares.map((each) => each.toFixed(2)).join(" ")})`,
          bar: "≥ 0.9",
          isMet: share >= 0.9,
        },
      ],
      charts: [],
      notes: [
        "The neighbour is one process that counts without pause, at normal priority, on no fixed core.",
      ],
    };
  },
};

async function turn(
  context: BenchContext,
  round: number,
  isBusy: boolean,
  { side, threads }: (typeof settings)[number],
): Promise<Measurement> {
  const { options } = context;
  const clients = options.concurrency?.[0] ?? 8;
  const fixed = (value: number) => ({ type: "fixed", value }) as const;
  const workload = (requests: number, seed: number) =>
    makeWorkload({ requests, promptTokens: fixed(200), newTokens: fixed(60), seed });
  await using server = await context.start("ours", { clients, threads });
  using _neighbour = isBusy ? new Neighbour() : undefined;
  const name = isBusy ? "busy" : "quiet";
  using client = context.client(server);
  await runClosedLoop(client, workload(NOTICE_REQUESTS, options.seed + 7), NOTICE_REQUESTS, context.signal);
  const { measurement } = await context.measure(server, { case: name, round, side }, (measured) =>
    runClosedLoop(
      measured,
      workload(options.requests ?? 3 * clients, options.seed + 100 * round),
      clients,
      context.signal,
    ),
  );
  return measurement;
}

/** Round by round, beside the neighbour: throughput of the default over the better of the fixed counts. */
function roundShares(measurements: readonly Measurement[]): readonly number[] {
  const busy = measurements.filter((measurement) => measurement.case === "busy");
  return [...new Set(busy.map(({ round }) => round))].map((round) => {
    const rates = busy.filter((each) => each.round === round);
    const rate = (side: string) =>
      rates.find((each) => each.side === side)?.figures["tokensPerSecond"] ?? Number.NaN;
    return rate("ours") / Math.max(rate("ours, THREADS=1"), rate("ours, THREADS=2"));
  });
}

/** A process that uses one core until it is disposed of. */
class Neighbour implements Disposable {
  readonly #child: ChildProcess;
  readonly #onExit = () => this.#child.kill("SIGKILL");

  constructor() {
    const program = `const end = Date.now() + ${NEIGHBOUR_LIFE_MS}; while (Date.now() < end);`;
    this.#child = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
    process.once("exit", this.#onExit);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#onExit);
    this.#child.kill("SIGKILL");
  }
}
