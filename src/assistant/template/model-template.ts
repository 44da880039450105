import type { Engine, ModelDescription } from "../../inference/engine.ts";
import { ChatTemplate } from "./template.ts";

/** The chat template of an engine's model, compiled once for each model that is loaded. */
export function modelTemplate(engine: Engine): () => ChatTemplate {
  let compiled: { readonly model: ModelDescription; readonly template: ChatTemplate } | undefined;
  return () => {
    const model = engine.describe();
    if (compiled?.model !== model) compiled = { model, template: new ChatTemplate(model) };
    return compiled.template;
  };
}
