import { foreignFieldsBut } from "../foreign-fields.ts";
import { oneOf, type Unsupported } from "../refusals.ts";
import { unsupportedForms } from "./answer-form.ts";

const common: readonly Unsupported[] = [
  { param: "service_tier", reason: "there is one tier", isWish: true, harmless: oneOf("auto", "default") },
  { param: "moderation", reason: "this server judges no content" },
];

/** Ollama's own name, which its clients don't send here. */
const format = (instead: string): Unsupported => ({ param: "format", reason: `use ${instead}` });

export const unsupportedInChat: readonly Unsupported[] = [
  ...common,
  ...foreignFieldsBut(),
  ...unsupportedForms,
  format("response_format"),
  { param: "audio", reason: "the model writes text only" },
  {
    param: "modalities",
    reason: "the model writes text only",
    harmless: (value) => JSON.stringify(value) === '["text"]',
  },
  { param: "web_search_options", reason: "this server does not search the web", isWish: true },
  {
    param: "verbosity",
    reason: "the model writes as much as it does",
    isWish: true,
    harmless: oneOf("medium"),
  },
];

const included = oneOf(
  "message.output_text.logprobs",
  "reasoning.encrypted_content",
  "account",
  "context_receipt",
);

export const unsupportedInCompletions: readonly Unsupported[] = [
  ...foreignFieldsBut("best_of", "echo", "add_special_tokens"),
  ...unsupportedForms,
  format("structured_outputs"),
  { param: "response_format", reason: "use structured_outputs, or chat completions" },
  { param: "json_schema", reason: "use structured_outputs, or chat completions" },
];

export const unsupportedInResponses: readonly Unsupported[] = [
  ...common,
  ...foreignFieldsBut(),
  { param: "n", reason: "a response is one answer", harmless: oneOf(1) },
  { param: "logprobs", reason: "use include", harmless: oneOf(false) },
  ...unsupportedForms,
  format("text.format"),
  { param: "response_format", reason: "use text.format" },
  { param: "json_schema", reason: "use text.format" },
  { param: "generate", reason: "a response is always generated", harmless: oneOf(true) },
  { param: "access_programs", reason: "access programs do not exist on this server" },
  { param: "prompt", reason: "send input and instructions" },
  { param: "context_management", reason: "nothing is taken out of a prompt here", isWish: true },
  {
    param: "truncation",
    reason: "a prompt is never cut: one that is too long is refused",
    isWish: true,
    harmless: oneOf("disabled"),
  },
  {
    param: "include",
    reason: "only message.output_text.logprobs, account and context_receipt can be included",
    isWish: true,
    harmless: (value) => Array.isArray(value) && value.every(included),
  },
  {
    param: "text.verbosity",
    reason: "the model writes as much as it does",
    isWish: true,
    harmless: oneOf("medium"),
  },
  { param: "reasoning.generate_summary", reason: "reasoning is not summed up", isWish: true },
];
