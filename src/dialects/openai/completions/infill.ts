import type { Prompt } from "../../../inference/engine.ts";
import { invalid } from "../../content.ts";

/** The special tokens around what comes before and after a gap, as families of models write them. */
interface InfillForm {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  /** The suffix stands first. */
  readonly suffixFirst?: true;
}

const forms: readonly InfillForm[] = [
  // Qwen 2.5 Coder, CodeGemma, Granite.
  { before: "<|fim_prefix|>", between: "<|fim_suffix|>", after: "<|fim_middle|>" },
  // StarCoder, SantaCoder.
  { before: "<fim_prefix>", between: "<fim_suffix>", after: "<fim_middle>" },
  { before: "<fim-prefix>", between: "<fim-suffix>", after: "<fim-middle>" },
  // GLM 4.
  { before: "<|code_prefix|>", between: "<|code_suffix|>", after: "<|code_middle|>" },
  // DeepSeek Coder, whose marks stand where the gap begins and where the text ends.
  { before: "<｜fim▁begin｜>", between: "<｜fim▁hole｜>", after: "<｜fim▁end｜>" },
  // CodeLlama.
  { before: "▁<PRE>", between: "▁<SUF>", after: "▁<MID>" },
  // Codestral.
  { before: "[SUFFIX]", between: "[PREFIX]", after: "", suffixFirst: true },
];

/** How a model is asked to fill a gap, by the special tokens that it has; undefined where it was not trained to. */
export function infillForm(specialTexts: readonly string[]): InfillForm | undefined {
  const known = new Set(specialTexts);
  return forms.find(({ before, between, after }) =>
    [before, between, after].every((text) => text === "" || known.has(text)),
  );
}

/** @throws InvalidRequestError naming `param` where the model fills no gaps */
export function infillPrompt(
  prefix: string,
  suffix: string,
  specialTexts: readonly string[],
  param = "suffix",
): Prompt {
  const form = infillForm(specialTexts);
  if (form === undefined)
    throw invalid(param, "is not supported: the served model has no tokens to fill a gap with");
  const { before, between, after, suffixFirst } = form;
  const [first, second] = suffixFirst === true ? [suffix, prefix] : [prefix, suffix];
  const mark = (text: string) => ({ type: "text" as const, text, parseSpecial: true });
  // What stands around the gap is code, in which the marks are text.
  const code = (text: string) => ({ type: "text" as const, text, parseSpecial: false });
  const parts = [mark(before), code(first), mark(between), code(second), mark(after)];
  return { parts: parts.filter(({ text }) => text !== ""), addBos: true };
}
