import { isEmpty, oneOf, type Unsupported } from "../refusals.ts";

const common: readonly Unsupported[] = [
  { param: "options.mirostat", reason: "use temperature, top_p and min_p", harmless: oneOf(0) },
  { param: "options.typical_p", reason: "use top_p or min_p", harmless: oneOf(1) },
  { param: "options.tfs_z", reason: "use top_p or min_p", harmless: oneOf(1) },
  {
    param: "options.num_ctx",
    reason: "the window is the server's (CONTEXT_SIZE)",
    isWish: true,
  },
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
