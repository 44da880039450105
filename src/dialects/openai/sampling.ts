import type { Static } from "typebox";
import { Type } from "typebox";
import { InvalidRequestError } from "../../errors.ts";
import type { Sampling } from "../../inference/sampling.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { localSampling, seedOf } from "../local-sampling.ts";
import { SamplingFields } from "./fields.ts";

const SamplingBody = Type.Object(SamplingFields);
type SamplingBody = Static<typeof SamplingBody>;

/** OpenAI's sampling parameters in the engine's words; without a temperature it is 1, as theirs is. */
export function toSampling(
  body: SamplingBody,
): Omit<Sampling, "constraint" | "seed"> & { readonly seed?: number } {
  const { temperature, top_p, presence_penalty, frequency_penalty } = body;
  return {
    temperature: temperature ?? 1,
    ...(isSet(top_p) && { topP: top_p }),
    ...localSampling(body),
    ...(isSet(presence_penalty) && { presencePenalty: presence_penalty }),
    ...(isSet(frequency_penalty) && { frequencyPenalty: frequency_penalty }),
    ...(isSet(body.logit_bias) && { logitBias: toLogitBias(body.logit_bias) }),
    ...seedOf(body.seed),
  };
}

/** Whether the client fixed the outcome: an earlier answer may then stand for a new one. */
export function isReusable({ temperature, seed }: SamplingBody): boolean {
  return temperature === 0 || seedOf(seed).seed !== undefined;
}

export function toStop(stop: SamplingBody["stop"]): readonly string[] {
  return isSet(stop) ? [stop].flat() : [];
}

function toLogitBias(bias: Readonly<Record<string, number>>): NonNullable<Sampling["logitBias"]> {
  return Object.entries(bias).map(([key, value]) => {
    if (!/^\d{1,9}$/.test(key)) {
      throw new InvalidRequestError(
        `logit_bias must map token ids to numbers; ${JSON.stringify(key)} is not an id.`,
        {
          param: "logit_bias",
        },
      );
    }
    // -100 means never: a finite bias can lose to a large enough logit.
    return { token: Number(key), bias: value === -100 ? Number.NEGATIVE_INFINITY : value };
  });
}
