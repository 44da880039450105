import { isSet } from "../platform/schema/nullable.ts";
import { isEmpty, oneOf, type Unsupported } from "./refusals.ts";

type Body = Readonly<Record<string, unknown>>;

const off = oneOf(false);
const zero = oneOf(0);
const one = oneOf(1);
const negative = (value: unknown) => typeof value === "number" && value <= 0;
const instead = "use temperature, top_p and min_p";
const elsewhere = "use /v1/chat/completions";
const empty = (value: unknown) => value === "" || isEmpty(value);

/**
 * What clients of vLLM, llama.cpp's server, text-generation-webui, TGI and KoboldAI send that is not done here. Values
 * that change nothing are taken: such clients send all of their settings always. What only qualifies one of these
 * (`dry_base`, `mirostat_tau`, `xtc_threshold`) is not listed, since it has no effect without it.
 */
const foreignFields: readonly Unsupported[] = [
  // Other ways to draw.
  ...["mirostat", "mirostat_mode"].map((param) => ({ param, reason: instead, harmless: zero })),
  ...["typical_p", "typ_p", "typical", "tfs_z", "tfs"].map((param) => ({
    param,
    reason: "use top_p or min_p",
    harmless: one,
  })),
  ...["top_n_sigma", "nsigma"].map((param) => ({ param, reason: "use min_p", harmless: negative })),
  ...["top_a", "epsilon_cutoff", "eta_cutoff"].map((param) => ({
    param,
    reason: "use top_p or min_p",
    harmless: zero,
  })),
  { param: "dynatemp_range", reason: "temperatures are fixed", harmless: zero },
  { param: "dynamic_temperature", reason: "temperatures are fixed", harmless: off },
  { param: "smoothing_factor", reason: "use temperature", harmless: zero },
  { param: "adaptive_target", reason: "use temperature and min_p", harmless: negative },
  { param: "xtc_probability", reason: "the likeliest tokens are never left out", harmless: zero },
  { param: "dry_multiplier", reason: "use repeat_penalty or frequency_penalty", harmless: zero },
  { param: "no_repeat_ngram_size", reason: "use repeat_penalty or frequency_penalty", harmless: zero },
  { param: "encoder_repetition_penalty", reason: "use repetition_penalty", harmless: one },
  { param: "repetition_penalty_range", reason: "use repeat_last_n", harmless: zero },
  { param: "penalize_nl", reason: "penalties are for all tokens", harmless: oneOf(true) },
  { param: "do_sample", reason: "use temperature 0 for the likeliest tokens", harmless: oneOf(true) },
  { param: "penalty_alpha", reason: "there is no contrastive search", harmless: zero },
  { param: "use_beam_search", reason: "there is no search by beams", harmless: off },
  { param: "num_beams", reason: "there is no search by beams", harmless: one },
  { param: "guidance_scale", reason: "there is no guidance", harmless: one },
  { param: "min_keep", reason: "use top_k", harmless: oneOf(0, 1) },
  { param: "best_of", reason: "use n", harmless: one },
  ...["samplers", "sampler_priority", "sampler_order", "temperature_last"].map((param) => ({
    param,
    reason: "the order is the server's: penalties, top_k, temperature, top_p, min_p",
    isWish: true as const,
  })),
  // What may be written, and where it ends.
  ...["bad_words", "bad_words_ids", "banned_strings", "banned_tokens", "custom_token_bans"].map((param) => ({
    param,
    reason: "forbid tokens by logit_bias",
    harmless: empty,
  })),
  { param: "logits_processors", reason: "no code of clients runs here", harmless: isEmpty },
  ...["min_length", "min_new_tokens"].map((param) => ({
    param,
    reason: "use min_tokens",
    harmless: negative,
  })),
  { param: "max_tokens_second", reason: "answers are as fast as they are", isWish: true, harmless: zero },
  ...["t_max_predict_ms", "t_max_prompt_ms"].map((param) => ({
    param,
    reason: "set a limit of tokens",
    harmless: negative,
  })),
  { param: "n_indent", reason: "white space is written as the model writes it", harmless: zero },
  ...["stopping_strings", "custom_stopping_strings", "stop_sequence"].map((param) => ({
    param,
    reason: "use stop",
    harmless: (value: unknown, body: Body) => empty(value) || isWithin(value, body["stop"]),
  })),
  { param: "grammar_string", reason: "use grammar", harmless: oneOf("") },
  { param: "grammar_lazy", reason: "a grammar holds from the first token", harmless: off },
  { param: "negative_prompt", reason: "there is no guidance", harmless: oneOf("") },
  { param: "lora", reason: "an adapter is asked for as a model", harmless: isEmpty },
  // What the model reads.
  {
    param: "truncate_prompt_tokens",
    reason: "a prompt is never cut: one that is too long is refused",
    harmless: oneOf(-1),
  },
  ...["truncation_length", "max_context_length", "num_ctx"].map((param) => ({
    param,
    reason: "the window is the server's (CONTEXT_SIZE)",
    isWish: true as const,
  })),
  { param: "add_special_tokens", reason: "the template writes what begins a prompt", harmless: off },
  { param: "add_bos_token", reason: "what begins a prompt is the tokenizer's to say", harmless: oneOf(true) },
  {
    param: "add_generation_prompt",
    reason: "use continue_final_message",
    harmless: (value, body) => value === true || body["continue_final_message"] === true,
  },
  { param: "chat_template", reason: "the model's own is used", harmless: oneOf("") },
  { param: "documents", reason: "send them as text, or in chat_template_kwargs", harmless: isEmpty },
  { param: "image_data", reason: "the served model reads no images", harmless: isEmpty },
  // The answer's form.
  { param: "echo", reason: "the prompt is not repeated", harmless: off },
  { param: "skip_special_tokens", reason: "special tokens are left out", harmless: oneOf(true) },
  { param: "include_stop_str_in_output", reason: "answers end before the stop string", harmless: off },
  { param: "detokenize", reason: "answers are text", harmless: oneOf(true) },
  { param: "prompt_logprobs", reason: "use echo and logprobs at /v1/completions" },
  { param: "n_probs", reason: "use logprobs", harmless: zero },
  { param: "post_sampling_probs", reason: "probabilities are the model's own", harmless: off },
  ...["return_tokens", "return_token_ids", "return_tokens_as_token_ids"].map((param) => ({
    param,
    reason: "answers are text; /v1/tokenize has its tokens",
    harmless: off,
  })),
  {
    param: "reasoning_format",
    reason: "thoughts are told apart from the answer",
    harmless: oneOf("auto", "deepseek"),
  },
  { param: "parse_tool_calls", reason: "calls are read as calls", harmless: oneOf(true) },
  {
    param: "include_reasoning",
    reason: "thoughts are told apart from the answer",
    isWish: true,
    harmless: oneOf(true),
  },
  { param: "timings_per_token", reason: "times come at the end", isWish: true, harmless: off },
  { param: "response_fields", reason: "answers have all fields", isWish: true, harmless: isEmpty },
  // How it is computed.
  {
    param: "id_slot",
    reason: "the server chooses where a prompt is cached",
    isWish: true,
    harmless: oneOf(-1),
  },
  { param: "n_cache_reuse", reason: "the prefix cache takes whole prefixes", isWish: true, harmless: zero },
  {
    param: "cache_prompt",
    reason: "a cached prefix is the prompt's own; reproducible computes it anew",
    isWish: true,
    harmless: oneOf(true),
  },
  { param: "priority", reason: "requests are served in turn", isWish: true, harmless: zero },
  {
    param: "cache_salt",
    reason: "PREFIX_CACHE_SCOPE says who shares a cache",
    isWish: true,
    harmless: oneOf(""),
  },
];

/** The list for a route that takes some of them in its own way. */
export function foreignFieldsBut(...own: readonly string[]): readonly Unsupported[] {
  return foreignFields.filter(({ param }) => !own.includes(param));
}

/** The list for a route that has them in an object of its own. */
export function foreignFieldsIn(object: string): readonly Unsupported[] {
  return foreignFields.map(({ param, harmless, ...field }) => ({
    ...field,
    param: `${object}.${param}`,
    ...(harmless !== undefined && {
      harmless: (value: unknown, body: Body) => harmless(value, (body[object] ?? {}) as Body),
    }),
  }));
}

/** What the OpenAI-like routes take, for those that don't. */
export const localFields: readonly Unsupported[] = [
  ...["ignore_eos", "ban_eos_token"].map((param) => ({ param, reason: elsewhere, harmless: off })),
  { param: "min_tokens", reason: elsewhere, harmless: zero },
  { param: "stop_token_ids", reason: elsewhere, harmless: isEmpty },
  { param: "allowed_token_ids", reason: elsewhere },
  { param: "repetition_penalty", reason: "use repeat_penalty", harmless: one },
  ...["presence_penalty", "frequency_penalty"].map((param) => ({ param, reason: elsewhere, harmless: zero })),
  { param: "n", reason: elsewhere, harmless: one },
];

function isWithin(value: unknown, stop: unknown): boolean {
  const known = isSet(stop) ? [stop].flat() : [];
  return [value].flat().every((text) => known.includes(text));
}
