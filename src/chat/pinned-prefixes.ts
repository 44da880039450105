import { readFileSync } from "node:fs";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import type { ModelDescription, Prompt } from "../inference/engine.ts";
import { ChatTemplate, plainPrompt } from "./template.ts";

/** What `PINNED_PREFIXES` names: a JSON list of system messages, or of texts for prompts sent with `raw`. */
const PrefixFile = Type.Array(
  Type.Union([Type.Object({ system: Type.String() }), Type.Object({ text: Type.String() })]),
);
export type PrefixFile = Static<typeof PrefixFile>;

/** Stands where a user's message will, to find the end of what all conversations share. */
const PLACEHOLDER = "\u{fdef}";

/** @throws Error that says what is wrong with the file */
export function readPrefixFile(path: string): PrefixFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`PINNED_PREFIXES=${path} can't be read: ${(error as Error).message}`, { cause: error });
  }
  if (Value.Check(PrefixFile, parsed)) return parsed;
  throw new Error(`PINNED_PREFIXES=${path} must be a JSON list of {"system": "…"} or {"text": "…"}.`);
}

/** The beginnings of prompts that the entries stand for, in the model's chat template. */
export function renderPrefixes(file: PrefixFile, model: ModelDescription): Prompt[] {
  const template = new ChatTemplate(model);
  return file.map((entry) => {
    if ("text" in entry) return plainPrompt(entry.text);
    const prompt = template.render([
      { role: "system", content: entry.system },
      { role: "user", content: PLACEHOLDER },
    ]);
    return upToPlaceholder(prompt);
  });
}

function upToPlaceholder(prompt: Prompt): Prompt {
  const parts: Array<Prompt["parts"][number]> = [];
  for (const part of prompt.parts) {
    if (part.type !== "text") continue;
    const at = part.text.indexOf(PLACEHOLDER);
    if (at < 0) parts.push(part);
    else return { ...prompt, parts: [...parts, { ...part, text: part.text.slice(0, at) }] };
  }
  return { ...prompt, parts };
}
