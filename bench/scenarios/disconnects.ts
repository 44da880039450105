import type { Client, Departure } from "../load/client.ts";
import type { LoadResult } from "../load/closed-loop.ts";
import { isComplete, type Outcome } from "../load/outcome.ts";
import { SeededRandom } from "../load/random.ts";
import { type GenerationRequest, makeWorkload } from "../load/workload.ts";
import type { Check } from "../report/report.ts";
import { finite } from "../report/summary.ts";
import { readTree } from "../servers/process-tree.ts";
import { type MetricsReading, readMetrics } from "../servers/prometheus.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 40;
const SEQUENCES = 20;
/** Room for all clients and for what those left behind that went away: a request that is refused at once tests nothing. */
const MAX_QUEUE = 10 * CLIENTS;
/** Requests before the first look at memory: caches and pools are full by then. */
const SETTLING_REQUESTS = 5000;
/** V8 lets garbage lie for minutes where memory is plenty (188 to 353 MiB and back); held short, what grows is a leak. */
const NODE_OPTIONS = "--max-old-space-size=96";
const SETTLE_TIMEOUT_MS = 30_000;
/** Growth over the whole run, and handles beyond those before it, that still count as back. */
const MEMORY_SLACK = 1.15;
const HANDLE_SLACK = 4;

/** Clients that go away at any moment: nothing of them may stay. */
export const disconnects: Scenario = {
  summary: "20,000 requests with random disconnects on a tiny model: nothing leaks, and the counters add up",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    const requests = context.options.requests ?? 20_000;
    await using server = await context.start("ours", {
      clients: SEQUENCES,
      sequences: SEQUENCES,
      env: { MAX_QUEUE: String(MAX_QUEUE), NODE_OPTIONS },
      contextSize: Math.min(512, context.options.contextSize),
    });
    using client = context.client(server);
    const settling = Math.min(SETTLING_REQUESTS, Math.ceil(requests / 4));
    await runLeaving(client, settling, context.options.seed + 1, context);
    const before = await settledMetrics(server.url);
    const memoryBefore = readTree(server.pid);
    let sent: readonly Outcome[] = [];
    const {
      measurement,
      memory,
      settling: warmUps,
    } = await context.measure(server, { case: "disconnects", round: 1 }, async (own) => {
      const load = await runLeaving(own, requests, context.options.seed, context);
      sent = load.outcomes;
      return load;
    });
    const after = await settledMetrics(server.url);
    const memoryAfter = readTree(server.pid);
    const grown = (name: string, labels?: Record<string, string>) =>
      (after.sum(name, labels) ?? 0) - (before.sum(name, labels) ?? 0);
    const figures = finite({
      ...measurement.figures,
      clientsLeft: sent.filter(({ failure }) => failure === "client_left").length,
      runningAfter: after.sum("inference_running_sequences") ?? Number.NaN,
      queuedAfter: after.sum("inference_queue_depth") ?? Number.NaN,
      handlesBefore: before.sum("nodejs_active_handles_total") ?? Number.NaN,
      handlesAfter: after.sum("nodejs_active_handles_total") ?? Number.NaN,
      memoryBeforeMib: memoryBefore.residentBytes / 2 ** 20,
      memoryAfterMib: memoryAfter.residentBytes / 2 ** 20,
      answeredByServer: grown("http_requests_total", { method: "POST" }) - warmUps,
      generationsEnded: grown("inference_generations_total") - warmUps,
      generationsCancelled: grown("inference_generations_total", { finish_reason: "cancelled" }),
      engineRestarts: grown("engine_restarts_total"),
    });
    return {
      measurements: [{ ...measurement, figures }],
      checks: leakChecks(figures, sent),
      charts: [
        {
          name: "memory",
          title: "memory while clients come and go",
          xLabel: "seconds",
          yLabel: "resident MiB",
          lines: [
            {
              label: "ours",
              points: memory.map(({ atSeconds, residentBytes }) => [atSeconds, residentBytes / 2 ** 20]),
            },
          ],
        },
      ],
      notes: [
        "A request whose client left before the server had read it is seen by neither: answeredByServer may be smaller than the number sent by up to clientsLeft.",
      ],
    };
  },
};

function leakChecks(figures: Readonly<Record<string, number>>, sent: readonly Outcome[]): readonly Check[] {
  const of = (name: string) => figures[name] ?? Number.NaN;
  const complete = sent.filter(isComplete).length;
  const check = (what: string, measured: number, bar: string, isMet: boolean): Check => ({
    what,
    measured: String(Math.round(measured * 100) / 100),
    bar,
    isMet,
  });
  const finished = of("generationsEnded") - of("generationsCancelled");
  return [
    check("running sequences afterwards", of("runningAfter"), "0", of("runningAfter") === 0),
    check("queued requests afterwards", of("queuedAfter"), "0", of("queuedAfter") === 0),
    check(
      "handles afterwards",
      of("handlesAfter"),
      `≤ ${of("handlesBefore")} + ${HANDLE_SLACK}`,
      of("handlesAfter") <= of("handlesBefore") + HANDLE_SLACK,
    ),
    check(
      "memory afterwards / before",
      of("memoryAfterMib") / of("memoryBeforeMib"),
      `≤ ${MEMORY_SLACK}`,
      of("memoryAfterMib") <= MEMORY_SLACK * of("memoryBeforeMib"),
    ),
    check("engine restarts", of("engineRestarts"), "0", of("engineRestarts") === 0),
    check(
      "requests that failed on those who stayed",
      of("failed") - of("clientsLeft"),
      "0",
      of("failed") === of("clientsLeft"),
    ),
    check(
      "requests the server counted",
      of("answeredByServer"),
      `${complete} – ${sent.length}`,
      of("answeredByServer") >= complete && of("answeredByServer") <= sent.length,
    ),
    check("generations counted as finished", finished, `≥ ${complete} completed`, finished >= complete),
    check(
      "generations ended",
      of("generationsEnded"),
      `≤ ${of("answeredByServer")} requests counted`,
      of("generationsEnded") <= of("answeredByServer"),
    ),
  ];
}

/** Every client stays, leaves after a moment, or leaves after some pieces, with equal chance. */
async function runLeaving(
  client: Client,
  requests: number,
  seed: number,
  { signal }: BenchContext,
): Promise<LoadResult> {
  const random = new SeededRandom(seed);
  const workload = makeWorkload({
    requests,
    promptTokens: { type: "uniform", min: 2, max: 30 },
    newTokens: { type: "uniform", min: 1, max: 24 },
    seed,
  });
  const outcomes: Outcome[] = [];
  const startedAt = performance.now();
  const remaining = workload
    .map((request) => ({ request, departure: drawDeparture(request, random) }))
    .values();
  const runOne = async () => {
    for (const { request, departure } of remaining) {
      if (signal.aborted) return;
      outcomes.push(await client.send(request, departure));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, runOne));
  return { outcomes, wallMs: performance.now() - startedAt };
}

function drawDeparture(request: GenerationRequest, random: SeededRandom): Departure {
  switch (random.integer(3)) {
    case 0:
      return { afterMs: random.exponential(40) };
    case 1:
      return { afterPieces: 1 + random.integer(request.newTokens) };
    default:
      return {};
  }
}

/** The metrics once nothing runs or waits, or after half a minute, when what remains shows. */
async function settledMetrics(url: string): Promise<MetricsReading> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const reading = await readMetrics(url);
    const busy =
      (reading.sum("inference_running_sequences") ?? 0) + (reading.sum("inference_queue_depth") ?? 0);
    if (busy === 0 || performance.now() > deadline) return reading;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
