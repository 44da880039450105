import { foreignFieldsBut } from "../foreign-fields.ts";
import { isEmpty, oneOf, type Unsupported } from "../refusals.ts";

export const unsupported: readonly Unsupported[] = [
  ...foreignFieldsBut(),
  { param: "n", reason: "a message is one answer", harmless: oneOf(1) },
  { param: "stop", reason: "use stop_sequences", harmless: isEmpty },
  { param: "presence_penalty", reason: "use repeat_penalty", harmless: oneOf(0) },
  { param: "frequency_penalty", reason: "use repeat_penalty", harmless: oneOf(0) },
  { param: "logit_bias", reason: "use /v1/chat/completions" },
  { param: "response_format", reason: "use output_config.format" },
  { param: "logprobs", reason: "use /v1/chat/completions", harmless: oneOf(false) },
  {
    param: "output_config.task_budget",
    reason: "answers are as thorough as the model makes them",
    isWish: true,
  },
  {
    param: "context_management.edits",
    reason: "nothing is taken out of a prompt here",
    isWish: true,
    harmless: isEmpty,
  },
  { param: "container", reason: "no code runs here", isWish: true },
  {
    param: "inference_geo",
    reason: "this server runs in one place",
    isWish: true,
    harmless: oneOf("global", "not_available"),
  },
  {
    param: "service_tier",
    reason: "there is one tier",
    isWish: true,
    harmless: oneOf("auto", "standard_only"),
  },
  { param: "fallbacks", reason: "one model is served", isWish: true, harmless: isEmpty },
  {
    param: "thread",
    reason: "conversations are not kept; send all messages",
    details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
  },
];
