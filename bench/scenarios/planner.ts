import type { Capacity, CapacityBody } from "../../src/instruments/planner/schema.ts";
import { type Distribution, draw } from "../load/distribution.ts";
import { firstTokenMs, isComplete } from "../load/outcome.ts";
import { SeededRandom } from "../load/random.ts";
import { runThinkingUsers } from "../load/thinking-users.ts";
import { words } from "../load/workload.ts";
import type { Check, Measurement } from "../report/report.ts";
import { median, percentile } from "../report/statistics.ts";
import { API_KEY } from "../servers/launches.ts";
import type { RunningServer } from "../servers/server.ts";
import type { Scenario } from "./scenario.ts";

const SEQUENCES = 8;
const THINK_SECONDS = 2;
const VARIATION = 0.3;
const PROMPT_TOKENS = 150;
const NEW_TOKENS = 60;
/** Of the predicted capacity. */
const LOADS = [0.3, 0.5, 0.7, 0.8, 1, 1.1];
/** Up to this load the bars hold. */
const TRUSTED_LOAD = 0.8;
const LEVEL = { percentile: 95, time_to_first_token_ms: 500, tokens_per_second: 10 };

/** Predicts first, measures then: is the planner right about a ladder of users? */
export const planner: Scenario = {
  summary:
    "users who think between requests, at 0.3 to 1.1 of the predicted capacity: predicted before measured",
  defaultModel: "distilgpt2",
  async run(context) {
    const { options } = context;
    const durationMs = 1000 * (options.durationSeconds ?? 15);
    await using server = await context.start("ours", {
      clients: SEQUENCES,
      sequences: SEQUENCES,
      env: { SPECULATION: "off", MAX_QUEUE: "200" },
    });
    const first = await predict(server, { calibrate: true });
    const users = LOADS.map((load) => Math.max(1, Math.round(load * first.fits.users)));
    // The same steps are known: only the numbers of users are others.
    const predicted = await predict(server, { users });
    context.say(first.sentence);
    const measurements: Measurement[] = [];
    const rungs: Rung[] = [];
    for (const [at, count] of users.entries()) {
      const point = predicted.points.find((each) => each.users === count);
      if (point === undefined) throw new Error(`nothing was predicted of ${count} users`);
      const { measurement, load } = await context.measure(
        server,
        { case: `${LOADS[at]} of capacity: ${count} users`, round: 1 },
        (client) =>
          runThinkingUsers(client, {
            users: count,
            thinkMs: 1000 * THINK_SECONDS,
            durationMs,
            random: new SeededRandom(options.seed + count),
            draw: drawRequest,
            signal: context.signal,
          }),
      );
      const done = load.outcomes.filter(isComplete);
      rungs.push({
        load: LOADS[at] ?? 0,
        users: count,
        latency: {
          measured: percentile(
            done.map(({ latencyMs }) => latencyMs),
            95,
          ),
          ...bandOf(point.latency_ms),
        },
        firstToken: {
          measured: percentile(
            done.flatMap((each) => firstTokenMs(each) ?? []),
            95,
          ),
          ...bandOf(point.time_to_first_token_ms),
        },
      });
      measurements.push(measurement);
    }
    return {
      measurements,
      checks: checksOf(rungs),
      charts: [
        {
          name: "latency",
          title: "95th percentile of the latency, predicted and measured",
          xLabel: "users",
          yLabel: "milliseconds",
          lines: [
            {
              label: "predicted",
              points: rungs.map(({ users: x, latency }) => [x, latency.predicted] as const),
            },
            {
              label: "measured",
              points: rungs.map(({ users: x, latency }) => [x, latency.measured] as const),
            },
          ],
        },
      ],
      notes: [
        `Prompts of ${PROMPT_TOKENS} tokens and answers of ${NEW_TOKENS} on average (standard deviation ${VARIATION} of it), ${THINK_SECONDS} s of thinking on average, ${SEQUENCES} sequences. Predicted: ${first.sentence} The expected time of a step was ${Math.round(100 * first.steps.median_error)} % off at the median.`,
        ...rungs.map(
          ({ load, users: count, firstToken, latency }) =>
            `Load ${load}, ${count} users: p95 first token predicted ${Math.round(firstToken.predicted)} ms (${firstToken.band.map(Math.round).join("–")}), measured ${Math.round(firstToken.measured)} ms; p95 latency predicted ${Math.round(latency.predicted)} ms (${latency.band.map(Math.round).join("–")}), measured ${Math.round(latency.measured)} ms.`,
        ),
      ],
    };
  },
};

interface Figure {
  readonly measured: number;
  readonly predicted: number;
  readonly band: readonly number[];
}
interface Rung {
  readonly load: number;
  readonly users: number;
  readonly latency: Figure;
  readonly firstToken: Figure;
}

function bandOf({ high, band }: Capacity["points"][number]["latency_ms"]): Omit<Figure, "measured"> {
  return { predicted: high, band };
}

async function predict(server: RunningServer, more: Partial<CapacityBody>): Promise<Capacity> {
  const body = {
    traffic: {
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: NEW_TOKENS,
      variation: VARIATION,
    },
    think_seconds: THINK_SECONDS,
    service_level: LEVEL,
    simulations: 10,
    ...more,
  };
  const response = await fetch(`${server.url}/v1/capacity`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": API_KEY },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`POST /v1/capacity answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Capacity;
}

function drawRequest(random: SeededRandom) {
  const around = (mean: number): Distribution => {
    const variance = Math.log(1 + VARIATION ** 2);
    return {
      type: "lognormal",
      median: mean / Math.exp(variance / 2),
      sigma: Math.sqrt(variance),
      max: 8 * mean,
    };
  };
  return {
    prompt: words(draw(around(PROMPT_TOKENS), random), random),
    newTokens: draw(around(NEW_TOKENS), random),
  };
}

function checksOf(rungs: readonly Rung[]): readonly Check[] {
  const trusted = rungs.filter(({ load }) => load <= TRUSTED_LOAD);
  const errors = (of: (rung: Rung) => Figure) =>
    trusted.map((rung) => Math.abs(of(rung).predicted / of(rung).measured - 1));
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const errorCheck = (what: string, of: (rung: Rung) => Figure, bar: number): Check => {
    const error = median(errors(of));
    return {
      what: `median error of the ${what}, load up to ${TRUSTED_LOAD}`,
      measured: `${percent(error)} (${errors(of).map(percent).join(" ")})`,
      bar: `≤ ${percent(bar)}`,
      isMet: error <= bar,
    };
  };
  const figures = rungs.flatMap(({ latency, firstToken }) => [latency, firstToken]);
  const covered = figures.filter(
    ({ measured, band }) => measured >= (band[0] ?? 0) && measured <= (band[1] ?? 0),
  ).length;
  return [
    errorCheck("p95 latency", ({ latency }) => latency, 0.1),
    errorCheck("p95 first token", ({ firstToken }) => firstToken, 0.2),
    {
      what: "measured figures within the predicted band",
      measured: `${covered} of ${figures.length}`,
      bar: "≥ 90 %",
      isMet: covered >= 0.9 * figures.length,
    },
  ];
}
