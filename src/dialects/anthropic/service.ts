import type { PlannedTurn } from "../../assistant/assistant.ts";
import type { TurnEvent } from "../../assistant/turn.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import { accountField } from "../../telemetry/answer-account.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { namingFields } from "../field-names.ts";
import { newId } from "../ids.ts";
import { type Note, noteInLog, notesOfChanges, notHonoured } from "../notes.ts";
import { withSigns } from "../sign-of-life.ts";
import { type Message, type MessageEvent, type MessageHead, MessageOutput } from "./output.ts";
import { toConversation, toRequest } from "./request.ts";
import type { CountTokensBody, MessagesBody } from "./schema.ts";

/** `POST /v1/messages`: Anthropic's shape over the same assistant. */
export class Messages {
  readonly #model: ServedModel;

  constructor(model: ServedModel) {
    this.#model = model;
  }

  async countTokens(
    body: CountTokensBody,
    { signal }: RequestContext,
  ): Promise<{ readonly input_tokens: number }> {
    const { assistant, engine } = this.#model;
    const prompt = assistant.render(toConversation(body, []));
    return { input_tokens: (await engine.tokenize(prompt, signal)).length };
  }

  async create(body: MessagesBody, context: RequestContext): Promise<Message> {
    const { plan, notes } = await this.#plan(body, context);
    const output = new MessageOutput(this.#head(body, notes));
    for await (const event of this.#events(plan, context)) for (const _ of output.take(event));
    return { ...output.message, ...accountField(body, context) };
  }

  /** Anthropic's events in their order: message, blocks with their deltas, how it ended. */
  async *stream(body: MessagesBody, context: RequestContext): AsyncIterable<MessageEvent> {
    const { plan, notes } = await this.#plan(body, context);
    const output = new MessageOutput(this.#head(body, notes));
    const said = this.#said(output, plan, context);
    for await (const event of withSigns(said, () => output.signOfLife()))
      yield event.type === "message_delta" ? { ...event, ...accountField(body, context) } : event;
  }

  async *#said(
    output: MessageOutput,
    plan: PlannedTurn,
    context: RequestContext,
  ): AsyncIterable<MessageEvent> {
    for await (const event of this.#events(plan, context)) yield* output.take(event);
  }

  async #plan(
    body: MessagesBody,
    context: RequestContext,
  ): Promise<{ plan: PlannedTurn; notes: readonly Note[] }> {
    const { assistant } = this.#model;
    const { turn, notes } = toRequest(body);
    const plan = await assistant.plan(turn, context.signal);
    const all = [...notes, ...notesOfChanges(plan.changes, "messages")];
    noteInLog(context.account, all);
    return { plan, notes: all };
  }

  #events(plan: PlannedTurn, context: RequestContext): AsyncIterable<TurnEvent> {
    const { assistant } = this.#model;
    return namingFields(assistant.answer(plan, 0, context), { prompt: "messages", maxTokens: "max_tokens" });
  }

  #head(body: MessagesBody, notes: readonly Note[]): MessageHead {
    const model = this.#model.engine.describe();
    return {
      id: newId("msg_"),
      type: "message",
      role: "assistant",
      model: body.model ?? model.name,
      diagnostics: null,
      ...notHonoured(notes),
    };
  }
}
