import type { PrefixFile } from "../../config/prefix-file.ts";
import type { ModelDescription, Prompt } from "../../inference/engine.ts";
import { ChatTemplate } from "./template.ts";
import { plainPrompt } from "./transcript.ts";

/** Stands where a user's message will, to find the end of what all conversations share. */
const PLACEHOLDER = "\u{fdef}";

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
