import { type Static, Type } from "typebox";
import { OrNull } from "../../platform/schema/nullable.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { round } from "../../telemetry/timings.ts";
import { labels, limiterClasses } from "../../telemetry/verdict.ts";
import type { Backtest, PredictionError } from "./backtest.ts";
import type { KeptBacktest } from "./backtests.ts";
import type { Plan, PlanPoint, Spread } from "./plan.ts";
import type { StepFit } from "./step-fit.ts";

export const CapacityBody = Type.Object({
  model: OrNull(Type.String({ maxLength: 256, format: "text", description: "The first one when left out." })),
  traffic: Type.Optional(
    Type.Object(
      {
        from: OneOf(["described", "ledger"], {
          default: "described",
          description: "`ledger`: requests like those that this process has answered (the latest 2,000).",
        }),
        prompt_tokens: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 200, description: "Mean." }),
        shared_tokens: Type.Integer({
          minimum: 0,
          maximum: 1_000_000,
          default: 0,
          description: "Of these, leading ones that all prompts have in common.",
        }),
        completion_tokens: Type.Integer({
          minimum: 1,
          maximum: 1_000_000,
          default: 100,
          description: "Mean.",
        }),
        variation: Type.Number({
          minimum: 0,
          maximum: 3,
          default: 0.3,
          description: "Standard deviation of lengths over their mean.",
        }),
      },
      { default: {}, description: "What a request is like." },
    ),
  ),
  think_seconds: Type.Number({
    minimum: 0,
    maximum: 3600,
    default: 10,
    description: "Mean time that a user takes from an answer to the next request.",
  }),
  service_level: Type.Optional(
    Type.Object(
      {
        percentile: Type.Number({ minimum: 50, maximum: 99, default: 95, description: "Of the answers." }),
        time_to_first_token_ms: OrNull(Type.Number({ exclusiveMinimum: 0, maximum: 3_600_000 })),
        tokens_per_second: OrNull(
          Type.Number({
            exclusiveMinimum: 0,
            maximum: 1_000_000,
            description: "Of an answer, after its first token.",
          }),
        ),
        latency_ms: OrNull(Type.Number({ exclusiveMinimum: 0, maximum: 3_600_000 })),
      },
      {
        default: {},
        description:
          "What all users must get; a first token within a second and 10 tokens per second when left out.",
      },
    ),
  ),
  sequences: OrNull(
    Type.Integer({ minimum: 1, maximum: 1024, description: "What if there were so many (MAX_SEQUENCES)." }),
  ),
  users: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: 2000 }), {
      maxItems: 20,
      description: "Numbers of users to tell of beside those around the answer.",
    }),
  ),
  simulations: Type.Integer({ minimum: 1, maximum: 40, default: 8, description: "Of each number of users." }),
  max_users: Type.Integer({ minimum: 1, maximum: 2000, default: 256 }),
  calibrate: Type.Boolean({
    default: false,
    description:
      "First run batches of many shapes for some seconds, beside what runs, to learn what steps cost.",
  }),
});
export type CapacityBody = Static<typeof CapacityBody>;

const SpreadMs = Type.Object({
  p50: Type.Number(),
  high: Type.Number({ description: "At the service level's percentile: the median of the simulations." }),
  band: Type.Array(Type.Number(), {
    description: "The same figure's 5th and 95th percentile among the simulations.",
  }),
});
const Predicted = Type.Object({
  measured_ms: Type.Number(),
  predicted_ms: Type.Number(),
  error: Type.Number({ description: "Predicted over measured, minus one." }),
});
/** Hours of errors that an answer has. */
const SHOWN_BACKTESTS = 48;
const Percentiles = Type.Object({ p50: Predicted, p95: Predicted });

export const Capacity = Type.Object({
  model: Type.String(),
  sentence: Type.String({ description: "The answer in words." }),
  fits: Type.Object({
    users: Type.Integer({ description: "Most users that all get the service level." }),
    low: Type.Integer({ description: "In nine of ten simulations it is from here" }),
    high: Type.Integer({ description: "to here." }),
    is_beyond: Type.Boolean({ description: "More than `max_users` would fit." }),
  }),
  stopped_by: Type.Union([
    Type.Object({
      criterion: OneOf(["time_to_first_token_ms", "tokens_per_second", "latency_ms", "refusals"]),
      class: OneOf(limiterClasses, { description: "What most of the time goes to that is too long." }),
      meaning: Type.String(),
    }),
    Type.Null(),
  ]),
  points: Type.Array(
    Type.Object({
      users: Type.Integer(),
      meets: Type.Boolean(),
      time_to_first_token_ms: SpreadMs,
      latency_ms: SpreadMs,
      tokens_per_second: Type.Number({ description: "Reached by the service level's share of the answers." }),
      requests_per_second: Type.Number(),
      refused_share: Type.Number(),
      classes: Type.Unsafe<Record<string, number>>({
        type: "object",
        additionalProperties: { type: "number" },
        description: "Share of the answers' time by limiter class, the largest first.",
      }),
    }),
  ),
  error: Type.Union(
    [
      Type.Object({ requests: Type.Integer(), time_to_first_token: Percentiles, latency: Percentiles }),
      Type.Null(),
    ],
    {
      description: "The same simulation of requests that this process has answered, against what they took.",
    },
  ),
  backtests: Type.Array(
    Type.Object({
      at: Type.String({
        description: "When it was simulated again, an hour after the first of its requests.",
      }),
      requests: Type.Integer(),
      time_to_first_token: Percentiles,
      latency: Percentiles,
    }),
    { description: `The same error, hour by hour: the latest ${SHOWN_BACKTESTS}, oldest first.` },
  ),
  steps: Type.Object(
    {
      count: Type.Integer(),
      median_error: Type.Number({ description: "How far off the expected time of a step is, as a share." }),
      largest_batch: Type.Integer({ description: "Decode rows of a step that were seen." }),
      ms_per_pass: Type.Number(),
      ms_per_row: Type.Number(),
      ms_per_prompt_token: Type.Number(),
      ms_per_1000_context_tokens: Type.Number(),
      overhead_ms: Type.Number({ description: "Of a step, around its computation." }),
    },
    { description: "What the simulation knows of this machine, from the engine's own steps." },
  ),
  caveats: Type.Array(Type.String(), { description: "What the figures don't know." }),
});
export type Capacity = Static<typeof Capacity>;

const criteria = {
  timeToFirstTokenMs: "time_to_first_token_ms",
  tokensPerSecond: "tokens_per_second",
  latencyMs: "latency_ms",
  refusals: "refusals",
} as const;

export interface Planned {
  readonly model: string;
  readonly plan: Plan;
  readonly backtest: Backtest | undefined;
  /** Of earlier hours, oldest first. */
  readonly backtests: readonly KeptBacktest[];
  readonly fit: StepFit;
  readonly caveats: readonly string[];
}

export function describePlan({ model, plan, backtest, backtests, fit, caveats }: Planned): Capacity {
  const { users, low, high, isBeyond, stoppedBy, points } = plan;
  const { rates } = fit;
  return {
    model,
    sentence: sentence(plan),
    fits: { users, low, high, is_beyond: isBeyond },
    stopped_by:
      stoppedBy === undefined
        ? null
        : {
            criterion: criteria[stoppedBy.criterion],
            class: stoppedBy.class,
            meaning: labels[stoppedBy.class],
          },
    points: points.map(describePoint),
    error: backtest === undefined ? null : describeBacktest(backtest),
    backtests: backtests
      .slice(-SHOWN_BACKTESTS)
      .map((each) => ({ at: new Date(each.at).toISOString(), ...describeBacktest(each) })),
    steps: {
      count: fit.steps,
      median_error: round(fit.medianError, 4),
      largest_batch: fit.seen.decodeRows,
      ms_per_pass: round(rates.passes, 4),
      ms_per_row: round(rates.decodeRows, 4),
      ms_per_prompt_token: round(rates.prefillTokens, 4),
      ms_per_1000_context_tokens: round(1000 * rates.kvTokens, 4),
      overhead_ms: round(fit.overheadMs, 4),
    },
    caveats: [...caveats],
  };
}

function sentence({ users, low, high, isBeyond, stoppedBy }: Plan): string {
  if (isBeyond) return `This server fits more than the ${users} users that were tried.`;
  const count = `${users} ${users === 1 ? "user" : "users"}${low === high ? "" : ` (${low} to ${high})`}`;
  const stop = stoppedBy === undefined ? "" : `; one more is stopped by ${labels[stoppedBy.class]}`;
  return `This server fits ${count} at this service level${stop}.`;
}

function describePoint(point: PlanPoint): Capacity["points"][number] {
  const spread = ({ p50, high, band }: Spread) => ({
    p50: round(p50, 1),
    high: round(high, 1),
    band: band.map((ms) => round(ms, 1)),
  });
  return {
    users: point.users,
    meets: point.meets,
    time_to_first_token_ms: spread(point.timeToFirstTokenMs),
    latency_ms: spread(point.latencyMs),
    tokens_per_second: round(point.tokensPerSecond, 1),
    requests_per_second: round(point.requestsPerSecond, 3),
    refused_share: round(point.refusedShare, 4),
    classes: Object.fromEntries(
      Object.entries(point.classes).map(([name, share]) => [name, round(share, 4)]),
    ),
  };
}

function describeBacktest({ requests, timeToFirstToken, latency }: Backtest) {
  return {
    requests,
    time_to_first_token: describePercentiles(timeToFirstToken),
    latency: describePercentiles(latency),
  };
}

function describePercentiles({ p50, p95 }: Backtest["latency"]): Static<typeof Percentiles> {
  const figure = ({ measuredMs, predictedMs, error }: PredictionError) => ({
    measured_ms: round(measuredMs, 1),
    predicted_ms: round(predictedMs, 1),
    error: round(error, 4),
  });
  return { p50: figure(p50), p95: figure(p95) };
}
