import { ApiError } from "../../../errors.ts";
import type { McpServers } from "../../../features/mcp-servers/servers.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import type { Queries } from "../../../platform/store/database.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import { accountField } from "../../../telemetry/answer-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { invalid } from "../../content.ts";
import { type Note, noteInLog, notesOfChanges, notHonoured } from "../../notes.ts";
import { withSigns } from "../../sign-of-life.ts";
import { resolveApprovals } from "./approvals.ts";
import { begin, responseEnd, responseHead } from "./head.ts";
import { openHostedTools } from "./hosted-tools.ts";
import { toMessages } from "./input.ts";
import { itemPage, type PageRequest, toInputItems } from "./input-items.ts";
import type { OutputEvent } from "./output.ts";
import type { PreparedResponse } from "./prepared.ts";
import { toRequest } from "./request.ts";
import { Rounds } from "./rounds.ts";
import type { InputTokensBody, ResponseBody } from "./schema.ts";
import type { ResponseObject, ResponseStore } from "./store.ts";

export interface ResponsesParts {
  readonly model: ServedModel;
  readonly store: ResponseStore;
  readonly conversations: ConversationItems;
  readonly servers: McpServers;
}

/** What of conversations a response reads and adds to. */
export interface ConversationItems {
  /** Every item, the oldest first. @throws ApiError `not_found` */
  all(id: string): Promise<readonly object[]>;
  append(id: string, items: readonly object[], queries?: Queries): Promise<unknown>;
}

/** `POST /v1/responses`, whole and as a stream, and what is kept of it. */
export class Responses {
  readonly #parts: ResponsesParts;

  constructor(parts: ResponsesParts) {
    this.#parts = parts;
  }

  async create(body: ResponseBody, context: RequestContext): Promise<ResponseObject> {
    let last: OutputEvent | undefined;
    for await (const event of this.stream(body, context)) last = event;
    return last?.["response"] as ResponseObject;
  }

  /** The reference's events, numbered; the last one holds the whole response, which is kept by then. */
  async *stream(body: ResponseBody, context: RequestContext): AsyncIterable<OutputEvent> {
    const prepared = await this.prepare(body, context);
    for await (const event of this.make(prepared, body, context)) {
      const response = finished(event);
      if (response !== undefined && !context.signal.aborted) {
        const { input, previousId } = prepared;
        if (body.store !== false) await this.#parts.store.put({ response, input, previousId });
        await this.extend(prepared, response);
      }
      yield event;
    }
  }

  /** Checks all of a request that can be checked before it is answered. @throws ApiError */
  async prepare(
    body: ResponseBody,
    context: RequestContext,
    begun = begin(body.background === true),
  ): Promise<PreparedResponse> {
    const { assistant, engine } = this.#parts.model;
    const changes: Note[] = [];
    const input = await this.#resolve(body.input);
    const hosted = await openHostedTools(body, this.#parts.servers);
    if (hosted.byName.size > 0 && body.background === true)
      throw invalid(
        "tools",
        "of MCP servers can't be used in the background: begin an agent session for that",
      );
    const earlier = await this.#history(body);
    const resolved = resolveApprovals(earlier, typeof input === "string" ? [] : input);
    const conversation = [
      ...toMessages(resolved.history, []),
      ...toMessages(typeof input === "string" ? input : resolved.input, changes),
    ];
    const { turn, tools, notes } = toRequest(body, conversation, changes, hosted);
    const plan = await assistant.plan(turn, context.signal);
    const all = [...notes, ...notesOfChanges(plan.changes, "input")];
    noteInLog(context.account, all);
    const conversationId = idOfConversation(body);
    return {
      head: {
        ...responseHead({ ...body, model: body.model ?? engine.describe().name }, begun),
        ...(conversationId !== undefined && { conversation: { id: conversationId } }),
        ...notHonoured(all),
      },
      input: toInputItems(input),
      previousId: body.previous_response_id ?? undefined,
      conversationId,
      turn,
      tools,
      plan,
      begun,
      hosted,
      approved: resolved.approved,
      lists: hosted.lists.filter((list) => !isListed(list, earlier)),
    };
  }

  /** Answers what was prepared, and keeps nothing: the reference's events, the last one with the whole response. */
  async *make(
    prepared: PreparedResponse,
    body: ResponseBody,
    context: RequestContext,
  ): AsyncIterable<OutputEvent> {
    const { head, turn, tools, begun } = prepared;
    const rounds = new Rounds({
      assistant: this.#parts.model.assistant,
      engine: this.#parts.model.engine,
      prepared,
      context,
      maxToolCalls: body.max_tool_calls ?? undefined,
      items: {
        hasLogprobs: turn.logprobs !== undefined,
        hasSummary: isSet(body.reasoning?.summary),
        clientTool: tools.clientTool,
      },
    });
    let number = begun.nextNumber;
    const numbered = (event: OutputEvent): OutputEvent => ({ ...event, sequence_number: number++ });
    let hasBegun = false;
    // Held back until the engine has taken the request, for as long as clients wait: a refusal has a status of its own.
    const tellBegun = function* (): Iterable<OutputEvent> {
      const response = { ...head, status: "in_progress", output: [] };
      if (!hasBegun) {
        if (begun.nextNumber === 0) yield { type: "response.created", response };
        yield { type: "response.in_progress", response };
      }
      hasBegun = true;
    };
    const said = async function* (): AsyncIterable<OutputEvent> {
      for await (const event of rounds.events()) {
        yield* tellBegun();
        if (event !== "started") yield event;
      }
    };
    for await (const event of withSigns(said(), tellBegun)) yield numbered(event);
    const response = { ...head, ...responseEnd(rounds), ...accountField(body, context) };
    yield numbered({ type: `response.${response.status}`, response });
  }

  /** Adds a response and its input to the conversation that it is part of. */
  async extend(
    { conversationId, input }: PreparedResponse,
    { output }: ResponseObject,
    queries?: Queries,
  ): Promise<void> {
    if (conversationId !== undefined)
      await this.#parts.conversations.append(conversationId, [...input, ...output], queries);
  }

  /** Tokens of what a response would read. */
  async countTokens(body: InputTokensBody, { signal }: RequestContext): Promise<number> {
    const { assistant, engine } = this.#parts.model;
    const input = body.input ?? [];
    const hosted = await openHostedTools({ ...body, input }, this.#parts.servers);
    const conversation = [
      ...toMessages(await this.#history(body), []),
      ...toMessages(await this.#resolve(input), []),
    ];
    const { turn } = toRequest({ ...body, input }, conversation, [], hosted);
    return (await engine.tokenize(assistant.render(turn), signal)).length;
  }

  /** @throws ApiError `not_found` */
  async inputItems(id: string, page: PageRequest) {
    const stored = await this.#parts.store.get(id);
    if (stored === undefined) throw notFound(id, "response_id");
    return itemPage(stored.input, page);
  }

  /** @throws ApiError `not_found` */
  async get(id: string): Promise<ResponseObject> {
    const stored = await this.#parts.store.get(id);
    if (stored === undefined) throw notFound(id, "response_id");
    return stored.response;
  }

  /** @throws ApiError `not_found` */
  async delete(id: string) {
    if (!(await this.#parts.store.delete(id))) throw notFound(id, "response_id");
    return { id, object: "response", deleted: true };
  }

  /** Items that are only named, as they were answered. @throws InvalidRequestError naming one that is not kept */
  async #resolve(input: ResponseBody["input"]): Promise<ResponseBody["input"]> {
    if (typeof input === "string") return input;
    return Promise.all(
      input.map(async (item, index) => {
        const id = referenceOf(item);
        if (id === undefined) return item;
        const found = await this.#parts.store.item(id);
        if (found !== undefined) return found;
        throw invalid(
          `input[${index}].id`,
          `${JSON.stringify(id)} is an item that is not kept here; send it as it was`,
        );
      }),
    );
  }

  /** The conversation that a request continues; without instructions, which are not carried on. */
  async #history(body: HistoryFields): Promise<readonly object[]> {
    const { previous_response_id: previousId } = body;
    const conversationId = idOfConversation(body);
    if (isSet(previousId) && conversationId !== undefined)
      throw invalid("conversation", "can't be given together with previous_response_id");
    return conversationId !== undefined
      ? this.#parts.conversations.all(conversationId)
      : this.#chain(previousId ?? undefined);
  }

  /** Input and output of a response and of all that it continues, the oldest first. @throws ApiError `not_found` */
  async #chain(last: string | undefined): Promise<readonly object[]> {
    const turns: Array<readonly object[]> = [];
    for (let id = last; id !== undefined; ) {
      const stored = await this.#parts.store.get(id);
      if (stored === undefined) throw notFound(id, "previous_response_id");
      turns.push([...stored.input, ...stored.response.output]);
      id = stored.previousId;
    }
    return turns.reverse().flat();
  }
}

type HistoryFields = Pick<ResponseBody, "previous_response_id" | "conversation">;

function idOfConversation({ conversation }: HistoryFields): string | undefined {
  if (!isSet(conversation)) return undefined;
  return typeof conversation === "string" ? conversation : conversation.id;
}

/** The response that an event ends; undefined where it goes on. */
export function finished({ type, ...event }: OutputEvent): ResponseObject | undefined {
  return type === "response.completed" || type === "response.incomplete"
    ? (event["response"] as ResponseObject)
    : undefined;
}

function isListed(list: object, earlier: readonly object[]): boolean {
  const { server_label: label } = list as { server_label?: unknown };
  return earlier.some((item) => {
    const { type, server_label: other } = item as { type?: unknown; server_label?: unknown };
    return type === "mcp_list_tools" && other === label;
  });
}

function referenceOf(item: unknown): string | undefined {
  if (item === null || typeof item !== "object") return undefined;
  const { type, id } = item as { type?: unknown; id?: unknown };
  return type === "item_reference" && typeof id === "string" ? id : undefined;
}

export function notFound(id: string, param: string): ApiError {
  return new ApiError("not_found", `There is no response ${JSON.stringify(id)}; it may have been dropped.`, {
    param,
  });
}
