import { InvalidRequestError } from "../../errors.ts";
import { isSet } from "./fields.ts";

/** A parameter of OpenAI's that this server can't honour. */
export interface Unsupported {
  readonly param: string;
  /** Why, or what to use instead; ends the sentence "… is not supported: ". */
  readonly reason: string;
  /** Values that ask for nothing that isn't so anyway. */
  readonly harmless?: (value: unknown) => boolean;
  /** What clients look for to go on without it. */
  readonly details?: Readonly<Record<string, unknown>>;
}

const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown) =>
    values.includes(value);
const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;

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

export const unsupportedInMessages: readonly Unsupported[] = [
  {
    param: "thinking",
    reason: "local models reason as their template has it; only disabled is accepted",
    harmless: (value) => (value as { type?: unknown }).type === "disabled",
  },
  { param: "mcp_servers", reason: "this server calls no others", harmless: isEmpty },
  { param: "container", reason: "no code runs here" },
  { param: "context_management", reason: "a prompt is never cut" },
  {
    param: "thread",
    reason: "conversations are not kept; send all messages",
    details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
  },
  {
    param: "inference_geo",
    reason: "this server is where it is",
    harmless: oneOf("global", "not_available"),
  },
  {
    param: "service_tier",
    reason: "there is one tier; leave it out, or say auto",
    harmless: oneOf("auto", "standard_only"),
  },
];

/** @throws InvalidRequestError naming the first parameter that would change the result and can't be honoured */
export function refuseUnsupported(body: object, list: readonly Unsupported[]): void {
  for (const { param, reason, harmless, details } of list) {
    const value = (body as Record<string, unknown>)[param];
    if (isSet(value) && harmless?.(value) !== true)
      throw new InvalidRequestError(`${param} is not supported: ${reason}.`, {
        param,
        ...(details !== undefined && { details }),
      });
  }
}
