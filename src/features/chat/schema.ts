import { type Static, Type } from "typebox";
import { OrNull } from "../../platform/schema/nullable.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { PromptText, StopTexts } from "../../platform/schema/text.ts";
import { AccountField, IncludeField } from "../../telemetry/answer-account.ts";
import { Timings } from "../../telemetry/timings.ts";

export const SamplingFields = {
  temperature: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 2,
      default: 0.2,
      description: "Randomness; 0 always takes the likeliest token.",
    }),
  ),
  top_p: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.95,
      description: "Keep the likeliest tokens up to this probability.",
    }),
  ),
  top_k: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      description: "Keep the k likeliest tokens; 0 keeps all.",
    }),
  ),
  min_p: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: "Keep tokens at least this likely, relative to the likeliest.",
    }),
  ),
  repeat_penalty: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 10,
      description: "Above 1 discourages the last 64 tokens; 1 is off.",
    }),
  ),
  seed: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: "The same seed draws the same tokens." }),
  ),
  stop: Type.Optional(StopTexts(16)),
};

/** Body of `POST /chat`; `limit` is the largest `max_new_tokens` that this server allows. */
export function ChatBody(limit: number) {
  return Type.Object({
    prompt: PromptText("What to answer."),
    max_new_tokens: OrNull(
      Type.Integer({
        minimum: 1,
        maximum: limit,
        default: Math.min(160, limit),
        description: "Maximum number of tokens to generate; null generates all that fit the context window.",
      }),
    ),
    ...SamplingFields,
    mode: Type.Optional(
      OneOf(["single", "refine"], {
        default: "single",
        description: "`refine` answers, then critiques and rewrites `refine_steps` times.",
      }),
    ),
    refine_steps: Type.Optional(Type.Integer({ minimum: 1, maximum: 3, default: 1 })),
    critique_temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2, default: 0.2 })),
    stream: Type.Optional(Type.Boolean({ default: false, description: "Answer with server-sent events." })),
    raw: Type.Optional(
      Type.Boolean({ default: false, description: "Do not apply the model's chat template." }),
    ),
    reproducible: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          "Compute the answer alone and from nothing, so that it can be had again; it is kept in memory for a replay.",
      }),
    ),
    ...IncludeField,
  });
}
export type ChatBody = Static<ReturnType<typeof ChatBody>>;

export const ChatResponse = Type.Object({
  response: Type.String(),
  latency_ms: Type.Integer({ description: "Arrival to last token; the parts in `timings` add up to it." }),
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  model: Type.String(),
  request_id: Type.String(),
  context_window: Type.Integer(),
  context_used_pct: Type.Number({ description: "100 × total_tokens / context_window." }),
  model_type: Type.String(),
  attention_masking: Type.String(),
  attention_heads: Type.Integer(),
  hidden_size: Type.Integer(),
  estimated_attention_ops: Type.Integer({ description: "total_tokens²." }),
  total_tokens: Type.Integer(),
  output_to_input_ratio: Type.Number(),
  refined: Type.Boolean(),
  original_response: Type.Union([Type.String(), Type.Null()]),
  critique: Type.Union([Type.String(), Type.Null()]),
  refine_steps_used: Type.Integer(),
  finish_reason: OneOf(["stop", "length", "cancelled"]),
  cached_prompt_tokens: Type.Integer({
    description: "Prompt tokens taken from the KV cache instead of computed.",
  }),
  cached_from: Type.Union([OneOf(["slot", "memory", "disk"]), Type.Null()], {
    description:
      "Where they were: `slot`, in the KV cache itself; `memory` or `disk`, saved when others took their place there. Of several passes the farthest.",
  }),
  cached: Type.Boolean({
    description:
      "An earlier answer to the same request (`RESPONSE_CACHE_TTL`); `timings` then has the time that finding it took, as `queue_ms`.",
  }),
  speculation: Type.Object(
    { drafted: Type.Integer(), accepted: Type.Integer() },
    { description: "Tokens drafted by prompt lookup, and how many of them were right." },
  ),
  timings: Timings,
  ...AccountField,
});
export type ChatResponse = Static<typeof ChatResponse>;
