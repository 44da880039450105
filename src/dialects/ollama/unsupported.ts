import { foreignFieldsIn } from "../foreign-fields.ts";
import { isEmpty, oneOf, type Unsupported } from "../refusals.ts";

const common: readonly Unsupported[] = [
  ...foreignFieldsIn("options"),
  { param: "options.penalize_newline", reason: "penalties are for all tokens", harmless: oneOf(true) },
  { param: "logprobs", reason: "use /v1/chat/completions", harmless: oneOf(false) },
];

export const unsupportedInChat = common;

export const unsupportedInGenerate: readonly Unsupported[] = [
  ...common,
  { param: "images", reason: "the served model reads no images", harmless: isEmpty },
  { param: "raw", reason: "use /v1/completions", harmless: oneOf(false) },
  { param: "suffix", reason: "no infill prompt is made", harmless: oneOf("") },
  { param: "template", reason: "the model's own is used", harmless: oneOf("") },
  { param: "context", reason: "send the conversation to /api/chat", harmless: isEmpty },
];
