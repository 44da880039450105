import { type Static, Type } from "typebox";
import type { Sampling } from "../inference/sampling.ts";
import { isSet, OrNull } from "../platform/schema/nullable.ts";

const TokenIds = Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 10_000 });

/** What other local servers take besides OpenAI's parameters, by their names: llama.cpp's, vLLM's, text-generation-webui's. */
export const LocalSamplingFields = {
  top_k: OrNull(
    Type.Integer({
      minimum: -1,
      maximum: 1_000_000,
      description: "Extra: keep the k likeliest; 0 and -1 keep all.",
    }),
  ),
  min_p: OrNull(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: "Extra: keep tokens this likely, relative to the likeliest.",
    }),
  ),
  repeat_penalty: OrNull(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 10,
      description: "Extra: above 1 discourages the last repeat_last_n tokens.",
    }),
  ),
  repeat_last_n: OrNull(
    Type.Integer({
      minimum: -1,
      maximum: 1_000_000,
      default: 64,
      description: "Extra: tokens that repeat_penalty looks back; -1 is all.",
    }),
  ),
  repetition_penalty: OrNull(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 10,
      description: "Extra: as repeat_penalty, over prompt and answer as a whole.",
    }),
  ),
  ignore_eos: OrNull(
    Type.Boolean({ default: false, description: "Extra: never end before the limit or a stop string." }),
  ),
  ban_eos_token: OrNull(Type.Boolean({ default: false, description: "Extra: as ignore_eos." })),
  min_tokens: OrNull(
    Type.Integer({
      minimum: 0,
      default: 0,
      description: "Extra: tokens before which the model can't end; stop strings still do.",
    }),
  ),
  stop_token_ids: OrNull(
    Type.Unsafe<number[]>({
      ...TokenIds,
      description: "Extra: tokens that end the answer and are not part of it.",
    }),
  ),
  allowed_token_ids: OrNull(
    Type.Unsafe<number[]>({
      ...TokenIds,
      minItems: 1,
      description: "Extra: draw from these alone; without an end token among them until the limit.",
    }),
  ),
};
const LocalSamplingBody = Type.Object(LocalSamplingFields);
type LocalSamplingBody = Static<typeof LocalSamplingBody>;

/** llama.cpp's name of the limit, and that of TGI and text-generation-webui. */
export const LocalLimitFields = {
  n_predict: OrNull(
    Type.Integer({ minimum: -2, description: "Extra: as max_tokens; -1 is what the window has room for." }),
  ),
  max_new_tokens: OrNull(Type.Integer({ minimum: 1, description: "Extra: as max_tokens." })),
};
const LimitBody = Type.Object({ max_tokens: OrNull(Type.Integer()), ...LocalLimitFields });

/** The limit of tokens that was asked for by any of its names. */
export function askedLimit(body: Static<typeof LimitBody>): number | undefined {
  return body.max_tokens ?? body.n_predict ?? body.max_new_tokens ?? undefined;
}

/** To llama.cpp and LM Studio -1 is none. */
export function limitOf(asked: number | undefined): number | undefined {
  return asked === undefined || asked < 0 ? undefined : asked;
}

/** The same in the engine's words. */
export function localSampling(body: LocalSamplingBody): Partial<Omit<Sampling, "seed">> {
  const { top_k, min_p, repeat_penalty, repetition_penalty, repeat_last_n: window } = body;
  const { min_tokens: minTokens, stop_token_ids: stopTokens, allowed_token_ids: allowedTokens } = body;
  const penalty = isSet(repetition_penalty) && repetition_penalty !== 1 ? repetition_penalty : undefined;
  return {
    ...(isSet(top_k) && { topK: Math.max(0, top_k) }),
    ...(isSet(min_p) && { minP: min_p }),
    ...(isSet(repeat_penalty) && { repeatPenalty: repeat_penalty }),
    ...(isSet(window) && { repeatWindow: window }),
    // Clients that know neither server's name for it send both.
    ...(penalty !== undefined &&
      !(isSet(repeat_penalty) && repeat_penalty !== 1) && {
        repeatPenalty: penalty,
        repeatWindow: window ?? -1,
      }),
    ...((body.ignore_eos === true || body.ban_eos_token === true) && { ignoresEnd: true as const }),
    ...(isSet(minTokens) && minTokens > 0 && { minTokens }),
    ...(isSet(stopTokens) && stopTokens.length > 0 && { stopTokens }),
    ...(isSet(allowedTokens) && { allowedTokens }),
  };
}

/** Any integer is a seed to clients; the engine's has 32 bits. To llama.cpp, vLLM and Ollama -1 means any. */
export function seedOf(seed: number | null | undefined): { readonly seed?: number } {
  return isSet(seed) && seed !== -1 ? { seed: ((seed % 2 ** 32) + 2 ** 32) % 2 ** 32 } : {};
}
