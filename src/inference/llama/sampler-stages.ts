import type { Sampling } from "../sampling.ts";
import type { Llama } from "./bindings.ts";
import type { SamplerHandle } from "./signatures.ts";

const DEFAULT_REPEAT_WINDOW = 64;
/**
 * Probability that all tokens together may have which are left out before the costly steps of a chain: far below what
 * the float32 sums in them can distinguish from zero.
 */
const NEGLIGIBLE_MASS = 1e-9;

/** Below these a logit that is divided by them can leave the range of a float32, and no probability is a number. */
const MIN_TEMPERATURE = 1e-5;
const MIN_REPEAT_PENALTY = 1e-5;

/** A part of a sampler chain, named by the parameter that it is for; `greedy` and `draw` choose the token. */
export interface SamplerStage {
  readonly name:
    | "logit_bias"
    | "repeat_penalty"
    | "presence_and_frequency_penalty"
    | "greedy"
    | "top_k"
    | "negligible"
    | "temperature"
    | "top_p"
    | "min_p"
    | "draw";
  readonly sampler: SamplerHandle;
}

/** What a chain is for. */
export interface SamplerPlace {
  readonly vocabularySize: number;
  readonly contextPerSequence: number;
  readonly prompt: Int32Array;
}

/** The likeliest token is all that is left of any others' chance. */
export function isGreedy({ temperature }: Sampling): boolean {
  return temperature < MIN_TEMPERATURE;
}

export function hasPenalties({
  repeatPenalty = 1,
  presencePenalty = 0,
  frequencyPenalty = 0,
}: Sampling): boolean {
  return repeatPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
}

/**
 * The stages that tokens are chosen by, in order: that of Hugging Face and vLLM (penalties, temperature, then truncation),
 * with top-k moved before temperature, which keeps the distribution and spares sorting the rest.
 */
export function samplerStages(
  llama: Llama,
  parameters: Sampling,
  { vocabularySize, contextPerSequence, prompt }: SamplerPlace,
): readonly SamplerStage[] {
  const stages: SamplerStage[] = [];
  const add = (name: SamplerStage["name"], sampler: SamplerHandle) => stages.push({ name, sampler });

  const bias = parameters.logitBias ?? [];
  if (bias.length > 0)
    add("logit_bias", llama.llama_sampler_init_logit_bias(vocabularySize, bias.length, encodeBias(bias)));

  const { repeatPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = parameters;
  if (repeatPenalty !== 1) {
    const { repeatWindow = DEFAULT_REPEAT_WINDOW } = parameters;
    const window = repeatWindow < 0 ? contextPerSequence : Math.min(repeatWindow, contextPerSequence);
    const penalty = llama.llama_sampler_init_penalties(
      vocabularySize,
      window,
      Math.max(repeatPenalty, MIN_REPEAT_PENALTY),
      0,
      0,
    );
    const read = prompt.subarray(Math.max(0, prompt.length - window));
    for (const token of read) llama.llama_sampler_accept(penalty, token);
    add("repeat_penalty", penalty);
  }
  if (presencePenalty !== 0 || frequencyPenalty !== 0)
    add(
      "presence_and_frequency_penalty",
      llama.llama_sampler_init_penalties(
        vocabularySize,
        contextPerSequence,
        1,
        frequencyPenalty,
        presencePenalty,
      ),
    );

  if (isGreedy(parameters)) {
    add("greedy", llama.llama_sampler_init_greedy());
    return stages;
  }
  const { topK = 0, topP = 1, minP = 0 } = parameters;
  if (topK > 0) add("top_k", llama.llama_sampler_init_top_k(topK));
  else {
    // exp((logit - max) / temperature) × vocabulary bounds the mass of everything below a logit.
    const negligible = (NEGLIGIBLE_MASS / vocabularySize) ** parameters.temperature;
    add("negligible", llama.llama_sampler_init_min_p(negligible, 1));
  }
  if (parameters.temperature !== 1) add("temperature", llama.llama_sampler_init_temp(parameters.temperature));
  if (topP < 1) add("top_p", llama.llama_sampler_init_top_p(topP, 1));
  if (minP > 0) add("min_p", llama.llama_sampler_init_min_p(minP, 1));
  add("draw", llama.llama_sampler_init_dist(parameters.seed >>> 0));
  return stages;
}

/** Array of `llama_logit_bias` { token: int32, bias: float }. */
function encodeBias(entries: NonNullable<Sampling["logitBias"]>): Buffer {
  const buffer = Buffer.alloc(entries.length * 8);
  for (const [index, { token, bias }] of entries.entries()) {
    buffer.writeInt32LE(token, index * 8);
    buffer.writeFloatLE(bias, index * 8 + 4);
  }
  return buffer;
}
