import { createHash } from "node:crypto";
import type { ChatMessage } from "../../../assistant/template/message.ts";
import type { PromptVersion } from "../judge-prompt.ts";

export interface TaskPromptParts {
  readonly instructions: string | null;
  readonly context: string | readonly string[] | undefined;
  readonly prompt: string;
}

/**
 * What the model is asked for one record. What all records of a run share comes first, and what differs last: every
 * record after the first takes the instructions from the KV cache.
 */
export function taskMessages({ instructions, context, prompt }: TaskPromptParts): ChatMessage[] {
  const system: ChatMessage[] = instructions === null ? [] : [{ role: "system", content: instructions }];
  const passages = context === undefined ? [] : [context].flat();
  const content = passages.length === 0 ? prompt : `Context:\n${passages.join("\n\n")}\n\n${prompt}`;
  return [...system, { role: "user", content }];
}

/** Changes with every change of the wording or the order; the version is for people. */
export const taskPromptVersion: PromptVersion = {
  version: "task-1",
  sha256: createHash("sha256")
    .update(
      JSON.stringify([
        taskMessages({ instructions: "{instructions}", context: "{context}", prompt: "{prompt}" }),
        taskMessages({ instructions: null, context: undefined, prompt: "{prompt}" }),
      ]),
    )
    .digest("hex"),
};
