import type { Assistant, PlannedTurn } from "../../assistant/assistant.ts";
import type { TurnEvent } from "../../assistant/turn.ts";
import type { Engine } from "../../inference/engine.ts";
import type { ModelNames } from "../../serving/model-names.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { namingFields } from "../field-names.ts";
import { newId } from "../ids.ts";
import { type MessageEvent, MessageOutput } from "./output.ts";
import { toConversation, toTurn } from "./request.ts";
import type { CountTokensBody, MessagesBody } from "./schema.ts";

export interface Services {
  readonly engine: Engine;
  readonly assistant: Assistant;
  readonly models: ModelNames;
}

/** `POST /v1/messages`: Anthropic's shape over the same assistant. */
export class Messages {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  async countTokens(body: CountTokensBody): Promise<{ readonly input_tokens: number }> {
    const { assistant, engine, models } = this.#services;
    models.find(body.model);
    const { messages, tools } = toConversation(body);
    return { input_tokens: (await engine.tokenize(assistant.render(messages, tools))).length };
  }

  async create(body: MessagesBody, context: RequestContext): Promise<object> {
    const output = new MessageOutput(this.#head(body));
    for await (const event of this.#events(await this.#plan(body), context))
      for (const _ of output.take(event));
    return output.message;
  }

  /** Anthropic's events in their order: message, blocks with their deltas, how it ended. */
  async *stream(body: MessagesBody, context: RequestContext): AsyncIterable<MessageEvent> {
    const output = new MessageOutput(this.#head(body));
    for await (const event of this.#events(await this.#plan(body), context)) yield* output.take(event);
  }

  #plan(body: MessagesBody): Promise<PlannedTurn> {
    const { assistant, models } = this.#services;
    models.find(body.model);
    return assistant.plan(toTurn(body));
  }

  #events(plan: PlannedTurn, context: RequestContext): AsyncIterable<TurnEvent> {
    const { assistant } = this.#services;
    return namingFields(assistant.answer(plan, 0, context), { prompt: "messages", maxTokens: "max_tokens" });
  }

  #head(body: MessagesBody) {
    return { id: newId("msg_"), type: "message", role: "assistant", model: body.model, diagnostics: null };
  }
}
