import { type Static, Type } from "typebox";
import { OneOf } from "../../../platform/schema/one-of.ts";
import { criteria } from "../judge-prompt.ts";
import { MetricChoice } from "../metrics/registry.ts";
import { exportFormats } from "./export.ts";
import { failureCategories } from "./failure.ts";
import { tasks } from "./request.ts";
import { runStatuses } from "./run.ts";

const Text = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, format: "text", description });

/** Maximum tokens per answer, unless a run says otherwise. */
export const DEFAULT_MAX_NEW_TOKENS = 160;

const Generation = (limit: number) =>
  Type.Object(
    {
      temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2, default: 0 })),
      top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 1 })),
      max_new_tokens: Type.Optional(
        Type.Integer({ minimum: 1, maximum: limit, default: Math.min(DEFAULT_MAX_NEW_TOKENS, limit) }),
      ),
      seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295, default: 42 })),
    },
    { description: "How each answer is generated." },
  );

/** Body of `POST /v1/batch-evals`; `limit` is the largest `max_new_tokens` that this server allows. */
export function BatchEvalBody(limit: number) {
  return Type.Object({
    dataset_id: Text(128, "An evaluation set."),
    task: Type.Optional(
      OneOf(tasks, {
        default: "generate",
        description:
          "`generate`: the model answers, and the answer is judged and measured. `multiple_choice`: the likeliest of a " +
          "record's choices, as lm-evaluation-harness takes it. `likelihood`: perplexity of the reference. `agent`: an " +
          "agent does each task, and its answer and its calls are measured.",
      }),
    ),
    agent_id: Type.Optional(Text(128, "Of task `agent`: the agent, from `/v1/agents`.")),
    attempts: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 16,
        default: 1,
        description: "Of task `agent`: times that each task is done, for pass^k.",
      }),
    ),
    criteria: Type.Optional(
      Type.Array(OneOf(criteria), {
        minItems: 1,
        uniqueItems: true,
        description: "What the judge scores each answer by. Needed where no metrics are asked for.",
      }),
    ),
    metrics: Type.Optional(MetricChoice),
    thresholds: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.Number(), {
        description:
          "A record passes when each of these criteria and metrics is at least this. Without it: when its judge scores " +
          "are 7 on average and its metrics 0.5 each.",
      }),
    ),
    model: Type.Optional(Text(256, "The model to evaluate; it must be the one that is served.")),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, default: 4, description: "Records evaluated side by side." }),
    ),
    instructions: Type.Optional(
      Text(
        50_000,
        "A system message before every record's prompt. All records share its place in the KV cache: a run computes it once.",
      ),
    ),
    generation: Type.Optional(Generation(limit)),
  });
}
export type BatchEvalBody = Static<ReturnType<typeof BatchEvalBody>>;

export const RunId = Type.Object({ id: Text(128, "The run.") });

const pageFields = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Text(1024, "`next_cursor` of the page before.")),
};
export const RunsQuery = Type.Object(pageFields);

export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}
export const RecordsQuery = Type.Object({
  ...pageFields,
  status: Type.Optional(OneOf(["completed", "failed"])),
  tag: Type.Optional(Text(256, "Only records with this tag.")),
});
export type RecordsFilter = Pick<Static<typeof RecordsQuery>, "status" | "tag">;
export const FailuresQuery = Type.Object({
  ...pageFields,
  category: Type.Optional(OneOf(failureCategories)),
  code: Type.Optional(Text(64, "Only failures for this reason.")),
});
export type FailuresFilter = Pick<Static<typeof FailuresQuery>, "category" | "code">;
export const DistributionQuery = Type.Object({ criterion: Text(64, "A criterion or a metric of the run.") });
export const ExportQuery = Type.Object({
  format: Type.Optional(OneOf(exportFormats, { default: "jsonl" })),
});
export const CompareQuery = Type.Object({
  a: Text(128, "A run."),
  b: Text(128, "Another run of the same records."),
});

const RequestId = Type.Optional(Type.String());
const NullableText = Type.Union([Type.String(), Type.Null()]);
const Facts = Type.Unsafe<object>({ type: "object", additionalProperties: true });

const progress = Type.Object({
  total: Type.Integer(),
  completed: Type.Integer(),
  failed: Type.Integer({
    description: "Records that could not be evaluated; what is wrong is in their results.",
  }),
});

export const RunCreated = Type.Object(
  {
    run_id: Type.String(),
    batch_eval_id: Type.String({ description: "The same as `run_id`." }),
    status: OneOf(runStatuses),
    created_at: Type.String(),
    request_id: RequestId,
  },
  { description: "Accepted; the run works on its own." },
);

const runFields = {
  run_id: Type.String(),
  batch_eval_id: Type.String(),
  status: OneOf(runStatuses),
  status_reason: Type.Union([Type.String(), Type.Null()], {
    description:
      "Why the run is paused or failed, when no user made it so; of a queued or running one, what keeps it from being worked on.",
  }),
  dataset_id: Type.String(),
  progress,
  eta_seconds: Type.Union([Type.Number(), Type.Null()], {
    description: "By the rate measured lately; null while there is none.",
  }),
  request: Facts,
  provenance: Facts,
  created_at: Type.String(),
  started_at: NullableText,
  finished_at: NullableText,
  updated_at: Type.String(),
};
export const RunView = Type.Object({ ...runFields, request_id: RequestId });
export const RunPage = Type.Object({
  data: Type.Array(Type.Object(runFields)),
  next_cursor: NullableText,
  request_id: RequestId,
});

export const RunResult = Type.Object({
  ...runFields,
  summary: Facts,
  pass_rule: Facts,
  failures: Type.Array(Type.Object({ code: Type.String(), category: Type.String(), count: Type.Integer() }), {
    description: "How many records did not pass, and why.",
  }),
  slices: Type.Array(Facts, { description: "The same by tag." }),
  request_id: RequestId,
});
export const ResultPage = Type.Object({
  data: Type.Array(Facts),
  next_cursor: NullableText,
  request_id: RequestId,
});
export const DistributionView = Type.Object({
  criterion: Type.String(),
  count: Type.Integer(),
  mean: Type.Union([Type.Number(), Type.Null()]),
  standard_deviation: Type.Union([Type.Number(), Type.Null()]),
  p50: Type.Union([Type.Number(), Type.Null()]),
  buckets: Type.Array(Type.Object({ from: Type.Number(), to: Type.Number(), count: Type.Integer() })),
  request_id: RequestId,
});
export const ComparisonView = Type.Object({
  a: Type.String(),
  b: Type.String(),
  dataset_id: Type.String(),
  paired_items: Type.Integer(),
  unpaired_items: Type.Integer(),
  scores: Facts,
  scores_expected: Facts,
  metrics: Facts,
  pass: Facts,
  warnings: Type.Array(Type.Object({ code: Type.String(), message: Type.String() }), {
    description: "Why the runs can't be compared in everything.",
  }),
  request_id: RequestId,
});
