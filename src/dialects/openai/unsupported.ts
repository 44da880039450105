import { isEmpty, oneOf, type Unsupported } from "../refusals.ts";

const common: readonly Unsupported[] = [
  {
    param: "service_tier",
    reason: "there is one tier; leave it out, or say auto or default",
    harmless: oneOf("auto", "default"),
  },
  { param: "moderation", reason: "this server judges no content" },
];

export const unsupportedInChat: readonly Unsupported[] = [
  ...common,
  { param: "audio", reason: "the model writes text only" },
  {
    param: "modalities",
    reason: "the model writes text only",
    harmless: (value) => JSON.stringify(value) === '["text"]',
  },
  { param: "web_search_options", reason: "this server does not search the web" },
  { param: "functions", reason: "use tools", harmless: isEmpty },
  { param: "function_call", reason: "use tool_choice", harmless: oneOf("none", "auto") },
  {
    param: "reasoning_effort",
    reason: "local models reason as their template has it; only none is accepted",
    harmless: oneOf("none"),
  },
  { param: "verbosity", reason: "only medium is accepted", harmless: oneOf("medium") },
];

export const unsupportedInResponses: readonly Unsupported[] = [
  ...common,
  { param: "background", reason: "poll a stream instead", harmless: oneOf(false) },
  { param: "generate", reason: "a response is always generated", harmless: oneOf(true) },
  { param: "access_programs", reason: "there are none here" },
  { param: "conversation", reason: "use previous_response_id" },
  { param: "prompt", reason: "send input and instructions" },
  { param: "max_tool_calls", reason: "no built-in tools run here" },
  { param: "context_management", reason: "a prompt is never cut" },
  {
    param: "truncation",
    reason: "a prompt is never cut silently; only disabled is accepted",
    harmless: oneOf("disabled"),
  },
  {
    param: "include",
    reason: "only message.output_text.logprobs can be included",
    harmless: (value) =>
      Array.isArray(value) &&
      value.every(
        (item) => item === "message.output_text.logprobs" || item === "reasoning.encrypted_content",
      ),
  },
  {
    param: "reasoning",
    reason: "local models reason as their template has it",
    harmless: (value) =>
      Object.values(value as object).every((item) => item === null || item === "none" || item === "auto"),
  },
];
