import type { PlannedTurn } from "../../assistant/assistant.ts";
import type { ChatMessage } from "../../assistant/template/message.ts";
import type { Turn, TurnEvent } from "../../assistant/turn.ts";
import type { McpServers } from "../../features/mcp-servers/servers.ts";
import { newId } from "../../platform/ids.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import { accountField } from "../../telemetry/answer-account.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { namingFields } from "../field-names.ts";
import { HostedCalls } from "../hosted-calls.ts";
import { type Note, noteInLog, notesOfChanges, notHonoured } from "../notes.ts";
import { withSigns } from "../sign-of-life.ts";
import { toMessages } from "./messages.ts";
import { type Message, type MessageEvent, type MessageHead, MessageOutput } from "./output.ts";
import { toConversation, toRequest } from "./request.ts";
import type { CountTokensBody, MessagesBody } from "./schema.ts";
import { openToolsets, type Toolsets } from "./toolsets.ts";

/** A message that was found to be right, and what it needs to be answered. */
interface Prepared {
  readonly turn: Turn;
  readonly plan: PlannedTurn;
  readonly toolsets: Toolsets;
  readonly notes: readonly Note[];
}

/** `POST /v1/messages`: Anthropic's shape over the same assistant. */
export class Messages {
  readonly #model: ServedModel;
  readonly #servers: McpServers;

  constructor(model: ServedModel, servers: McpServers) {
    this.#model = model;
    this.#servers = servers;
  }

  async countTokens(
    body: CountTokensBody,
    { signal }: RequestContext,
  ): Promise<{ readonly input_tokens: number }> {
    const { assistant, engine } = this.#model;
    const toolsets = await openToolsets(body, this.#servers, []);
    const prompt = assistant.render(toConversation(body, toolsets, []));
    return { input_tokens: (await engine.tokenize(prompt, signal)).length };
  }

  async create(body: MessagesBody, context: RequestContext): Promise<Message> {
    const prepared = await this.#prepare(body, context);
    const output = new MessageOutput(this.#head(body, prepared.notes), prepared.toolsets);
    for await (const _ of this.#said(output, prepared, context));
    return { ...output.message, ...accountField(body, context) };
  }

  /** Anthropic's events in their order: message, blocks with their deltas, how it ended. */
  async *stream(body: MessagesBody, context: RequestContext): AsyncIterable<MessageEvent> {
    const prepared = await this.#prepare(body, context);
    const output = new MessageOutput(this.#head(body, prepared.notes), prepared.toolsets);
    const said = this.#said(output, prepared, context);
    for await (const event of withSigns(said, () => output.signOfLife()))
      yield event.type === "message_delta" ? { ...event, ...accountField(body, context) } : event;
  }

  /** The model's answers one after another, with the calls of servers' tools that this server runs between them. */
  async *#said(
    output: MessageOutput,
    { turn, plan, toolsets }: Prepared,
    context: RequestContext,
  ): AsyncIterable<MessageEvent> {
    const { assistant, engine } = this.#model;
    const { signal } = context;
    const hosted = new HostedCalls({ engine, signal });
    const { begun, ...continued } = turn;
    let messages = turn.messages;
    for (let planned = plan; ; ) {
      for await (const event of this.#events(planned, context)) yield* output.take(event);
      const { remote, hasOwn } = output.calls;
      for (const call of remote) {
        const outcome = await hosted.run(call.id, call.text, toolsets.get(call.called)?.remote);
        yield* output.takeResult(call, outcome);
      }
      if (remote.length === 0 || hasOwn) break;
      const said = toMessages("assistant", output.latest, "messages", []);
      messages = [...messages, ...(planned === plan ? continuing(begun, said) : said)];
      planned = await assistant.plan(
        {
          ...continued,
          messages,
          // What was insisted on has been called; and without calls left there is nothing to call.
          toolChoice: { type: hosted.left > 0 ? "auto" : "none" },
          ...(turn.maxTokens !== undefined && {
            maxTokens: Math.max(1, turn.maxTokens - output.outputTokens),
          }),
        },
        signal,
      );
    }
    yield* output.finish();
  }

  async #prepare(body: MessagesBody, context: RequestContext): Promise<Prepared> {
    const { assistant } = this.#model;
    const notes: Note[] = [];
    const toolsets = await openToolsets(body, this.#servers, notes);
    const request = toRequest(body, toolsets);
    const plan = await assistant.plan(request.turn, context.signal);
    const all = [...notes, ...request.notes, ...notesOfChanges(plan.changes, "messages")];
    noteInLog(context.account, all);
    return { turn: request.turn, plan, toolsets, notes: all };
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

/** An answer that the client had begun, with what it had begun with. */
function continuing(begun: string | undefined, said: readonly ChatMessage[]): readonly ChatMessage[] {
  const [first, ...rest] = said;
  return begun === undefined || first === undefined
    ? said
    : [{ ...first, content: begun + first.content }, ...rest];
}
