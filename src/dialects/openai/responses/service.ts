import type { ChatMessage } from "../../../assistant/template/message.ts";
import { ApiError } from "../../../errors.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import { accountField } from "../../../telemetry/answer-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { invalid } from "../../content.ts";
import { namingFields } from "../../field-names.ts";
import { newId, unixSeconds } from "../../ids.ts";
import { type Note, noteInLog, notHonoured } from "../../notes.ts";
import { withSigns } from "../../sign-of-life.ts";
import { toTimings, toUsage } from "../accounting.ts";
import { toMessages } from "./input.ts";
import { itemPage, type PageRequest, toInputItems } from "./input-items.ts";
import { type OutputEvent, ResponseOutput } from "./output.ts";
import { toRequest } from "./request.ts";
import type { InputTokensBody, ResponseBody } from "./schema.ts";
import type { ResponseStore } from "./store.ts";

/** `POST /v1/responses`, whole and as a stream, and what is kept of it. */
export class Responses {
  readonly #model: ServedModel;
  readonly #store: ResponseStore;

  constructor(model: ServedModel, store: ResponseStore) {
    this.#model = model;
    this.#store = store;
  }

  async create(body: ResponseBody, context: RequestContext): Promise<object> {
    let last: OutputEvent | undefined;
    for await (const event of this.stream(body, context)) last = event;
    return last?.["response"] as object;
  }

  /** The reference's events, numbered; the last one holds the whole response. */
  async *stream(body: ResponseBody, context: RequestContext): AsyncIterable<OutputEvent> {
    const { assistant, engine } = this.#model;
    const { name } = engine.describe();
    const changes: Note[] = [];
    const input = await this.#resolve(body.input);
    const conversation = [...(await this.#history(body)), ...toMessages(input, changes)];
    const { turn, tools, notes } = toRequest(body, conversation, changes);
    noteInLog(context.account, notes);
    const plan = await assistant.plan(turn, context.signal);
    const output = new ResponseOutput({
      hasLogprobs: turn.logprobs !== undefined,
      hasSummary: isSet(body.reasoning?.summary),
      clientTool: tools.clientTool,
    });
    const head = { ...responseHead({ ...body, model: body.model ?? name }), ...notHonoured(notes) };
    let number = 0;
    const numbered = (event: OutputEvent): OutputEvent => ({ ...event, sequence_number: number++ });
    let hasBegun = false;
    // Held back until the engine has taken the request, for as long as clients wait: a refusal has a status of its own.
    const begin = function* (): Iterable<OutputEvent> {
      const response = { ...head, status: "in_progress", output: [] };
      if (!hasBegun) {
        yield { type: "response.created", response };
        yield { type: "response.in_progress", response };
      }
      hasBegun = true;
    };
    const names = { prompt: "input", maxTokens: "max_output_tokens" };
    const said = async function* (): AsyncIterable<OutputEvent> {
      for await (const event of namingFields(assistant.answer(plan, 0, context), names)) {
        yield* begin();
        yield* output.take(event);
      }
    };
    for await (const event of withSigns(said(), begin)) yield numbered(event);
    const response = { ...head, ...ending(output), ...accountField(body, context) };
    if (body.store !== false)
      await this.#store.put({
        id: head.id,
        response,
        input: toInputItems(input),
        messages: [...conversation, output.message],
      });
    yield numbered({ type: `response.${response.status}`, response });
  }

  /** Tokens of what a response would read. */
  async countTokens(body: InputTokensBody, { signal }: RequestContext): Promise<number> {
    const { assistant, engine } = this.#model;
    const input = body.input ?? [];
    const conversation = [...(await this.#history(body)), ...toMessages(await this.#resolve(input), [])];
    const { turn } = toRequest({ ...body, input }, conversation, []);
    return (await engine.tokenize(assistant.render(turn), signal)).length;
  }

  /** @throws ApiError `not_found` */
  async inputItems(id: string, page: PageRequest) {
    const stored = await this.#store.get(id);
    if (stored === undefined) throw notFound(id, "response_id");
    return itemPage(stored.input, page);
  }

  /** @throws ApiError `not_found` */
  async get(id: string): Promise<object> {
    const stored = await this.#store.get(id);
    if (stored === undefined) throw notFound(id, "response_id");
    return stored.response;
  }

  /** @throws ApiError `not_found` */
  async delete(id: string): Promise<object> {
    if (!(await this.#store.delete(id))) throw notFound(id, "response_id");
    return { id, object: "response", deleted: true };
  }

  /** Items that are only named, as they were answered. @throws InvalidRequestError naming one that is not kept */
  async #resolve(input: ResponseBody["input"]): Promise<ResponseBody["input"]> {
    if (typeof input === "string") return input;
    return Promise.all(
      input.map(async (item, index) => {
        const id = referenceOf(item);
        if (id === undefined) return item;
        const found = await this.#store.item(id);
        if (found !== undefined) return found;
        throw invalid(
          `input[${index}].id`,
          `${JSON.stringify(id)} is an item that is not kept here; send it as it was`,
        );
      }),
    );
  }

  async #history({
    previous_response_id: id,
  }: Pick<ResponseBody, "previous_response_id">): Promise<readonly ChatMessage[]> {
    if (!isSet(id)) return [];
    const stored = await this.#store.get(id);
    if (stored === undefined) throw notFound(id, "previous_response_id");
    return stored.messages;
  }
}

function referenceOf(item: unknown): string | undefined {
  if (item === null || typeof item !== "object") return undefined;
  const { type, id } = item as { type?: unknown; id?: unknown };
  return type === "item_reference" && typeof id === "string" ? id : undefined;
}

function notFound(id: string, param: string): ApiError {
  return new ApiError("not_found", `There is no response ${JSON.stringify(id)}; it may have been dropped.`, {
    param,
  });
}

/** What is known of a response before it is made: the request, with its defaults. */
function responseHead(body: ResponseBody & { readonly model: string }) {
  return {
    id: newId("resp_"),
    object: "response",
    access_programs: null,
    created_at: unixSeconds(),
    background: false,
    error: null,
    incomplete_details: null as { readonly reason: string } | null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: body.metadata ?? {},
    model: body.model,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
    service_tier: "default",
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: "text" }, verbosity: "medium" },
    tool_choice: body.tool_choice ?? "auto",
    // The reference requires the field of every function.
    tools: (body.tools ?? []).map((tool) => (tool.type === "function" ? { strict: null, ...tool } : tool)),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: "disabled",
    ...(isSet(body.user) && { user: body.user }),
  };
}

function ending(output: ResponseOutput) {
  const { end } = output;
  const isCut = end.finishReason === "length";
  const usage = toUsage([[end]]);
  return {
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    output: output.items,
    usage: {
      input_tokens: usage.prompt_tokens,
      input_tokens_details: {
        cached_tokens: usage.prompt_tokens_details.cached_tokens,
        cache_write_tokens: 0,
      },
      output_tokens: usage.completion_tokens,
      output_tokens_details: { reasoning_tokens: end.usage.reasoningTokens },
      total_tokens: usage.total_tokens,
    },
    timings: toTimings([end]),
  };
}
