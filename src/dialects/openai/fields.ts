import { Type } from "typebox";
import { OrNull } from "../../platform/schema/nullable.ts";
import { StopTexts } from "../../platform/schema/text.ts";
import { LocalSamplingFields } from "../local-sampling.ts";

const penalty = (description: string) => OrNull(Type.Number({ minimum: -2, maximum: 2, description }));

/** Sampling parameters of chat completions and completions: OpenAI's, then what local models take besides. */
export const SamplingFields = {
  temperature: OrNull(
    Type.Number({ minimum: 0, maximum: 2, default: 1, description: "Randomness; 0 is greedy." }),
  ),
  top_p: OrNull(Type.Number({ minimum: 0, maximum: 1, default: 1 })),
  presence_penalty: penalty("Subtracted from the logit of every token generated so far."),
  frequency_penalty: penalty("Subtracted for each time a token was generated."),
  logit_bias: OrNull(
    Type.Unsafe<Record<string, number>>({
      type: "object",
      additionalProperties: { type: "number", minimum: -100, maximum: 100 },
      maxProperties: 10_000,
      description: "Token id to what is added to its logit; -100 forbids it.",
    }),
  ),
  seed: OrNull(Type.Integer({ description: "The same seed draws the same tokens." })),
  /** As many as OpenAI takes. */
  stop: OrNull(StopTexts(4)),
  ...LocalSamplingFields,
};

export const ReproducibleField = {
  reproducible: OrNull(
    Type.Boolean({
      default: false,
      description:
        "Extra: compute the answer alone and from nothing, so that it can be had again; it is kept in memory for a replay.",
    }),
  ),
};

export const StreamFields = {
  stream: OrNull(Type.Boolean({ default: false, description: "Answer with server-sent events." })),
  stream_options: OrNull(
    Type.Unsafe<{ include_usage?: boolean | null }>({
      type: "object",
      properties: {
        include_usage: { type: ["boolean", "null"] },
        include_obfuscation: { type: ["boolean", "null"] },
      },
    }),
  ),
};
