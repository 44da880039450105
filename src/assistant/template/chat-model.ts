import type { Engine, ModelDescription } from "../../inference/engine.ts";
import { ChatTemplate } from "./template.ts";

/** A model that holds conversations. */
export interface ChatModel {
  readonly engine: Engine;
  /** Of the model that is loaded. @throws UnavailableError while none is */
  readonly template: ChatTemplate;
}

/** `engine` with its model's chat template, which is compiled once for each model that is loaded. */
export function chatModel(engine: Engine): ChatModel {
  let compiled: { readonly model: ModelDescription; readonly template: ChatTemplate } | undefined;
  return {
    engine,
    get template() {
      const model = engine.describe();
      if (compiled?.model !== model) compiled = { model, template: new ChatTemplate(model) };
      return compiled.template;
    },
  };
}
