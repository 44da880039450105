import type { Assistant, PlannedTurn } from "../../../assistant/assistant.ts";
import { choices } from "../../../assistant/choices.ts";
import type { TurnEnd, TurnEvent } from "../../../assistant/turn.ts";
import type { ScoredToken } from "../../../inference/engine.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import { accountField } from "../../../telemetry/answer-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { namingFields } from "../../field-names.ts";
import { newId, unixSeconds } from "../../ids.ts";
import { noteInLog, notHonoured } from "../../notes.ts";
import { cachedField, type Pass, systemFingerprint, toTimings, toUsage } from "../accounting.ts";
import { toTokenLogprobs } from "../logprobs.ts";
import { toRequest } from "./request.ts";
import type { ChatCompletion, ChatCompletionBody, ChatCompletionChunk } from "./schema.ts";

type Choice = ChatCompletionChunk["choices"][number];

/** `POST /v1/chat/completions`, whole and as a stream. */
export class ChatCompletions {
  readonly #assistant: Assistant;
  readonly #model: ServedModel;

  constructor(model: ServedModel) {
    this.#assistant = model.assistant;
    this.#model = model;
  }

  async complete(body: ChatCompletionBody, context: RequestContext): Promise<ChatCompletion> {
    const head = this.#head(body);
    const { plan, notes } = await this.#plan(body, context);
    const answers = Array.from({ length: body.n ?? 1 }, () => new Answer());
    for await (const { choice, event } of this.#events(body, plan, context)) answers[choice]?.take(event);
    const passes = answers.map((answer) => answer.pass);
    return {
      ...head,
      object: "chat.completion",
      choices: answers.map((answer, index) => answer.choice(index, body.logprobs === true)),
      usage: toUsage([passes]),
      timings: toTimings(passes),
      ...accountField(body, context),
      ...cachedField(passes),
      ...notHonoured(notes),
    };
  }

  /** The reference's order: role, deltas, finish reason of each choice, then usage where it was asked for. */
  async *stream(body: ChatCompletionBody, context: RequestContext): AsyncIterable<ChatCompletionChunk> {
    const wantsUsage = body.stream_options?.include_usage === true;
    const head = { ...this.#head(body), object: "chat.completion.chunk" as const };
    const chunk = (choice: Choice, rest: Partial<ChatCompletionChunk> = {}): ChatCompletionChunk => ({
      ...head,
      choices: [choice],
      ...(wantsUsage && { usage: null }),
      ...rest,
    });
    const { plan, notes } = await this.#plan(body, context);
    const deltas = Array.from({ length: body.n ?? 1 }, () => new ChoiceDeltas());
    const passes: Pass[] = [];
    for await (const { choice: index, event } of this.#events(body, plan, context)) {
      if (event.type === "done") passes.push(event);
      for (const delta of deltas[index]?.take(event) ?? []) {
        const scores = event.type === "delta" && delta.content !== undefined ? event.tokens : undefined;
        yield chunk(choiceOf(index, delta, body.logprobs === true ? scores : undefined));
      }
      if (event.type === "done") {
        yield chunk(
          { ...choiceOf(index, {}), finish_reason: event.finishReason },
          { timings: toTimings([event]), ...cachedField([event]), ...notHonoured(notes) },
        );
      }
    }
    const last = { ...(wantsUsage && { usage: toUsage([passes]) }), ...accountField(body, context) };
    if (Object.keys(last).length > 0) yield { ...head, choices: [], ...last };
  }

  async #plan(body: ChatCompletionBody, context: RequestContext) {
    const { turn, notes } = toRequest(body);
    noteInLog(context.account, notes);
    return { plan: await this.#assistant.plan(turn), notes };
  }

  async *#events(body: ChatCompletionBody, plan: PlannedTurn, context: RequestContext) {
    const names = {
      prompt: "messages",
      maxTokens: body.max_completion_tokens == null ? "max_tokens" : "max_completion_tokens",
    };
    yield* namingFields(choices(this.#assistant, plan, body.n ?? 1, context), names);
  }

  #head(body: ChatCompletionBody) {
    const model = this.#model.engine.describe();
    return {
      id: newId("chatcmpl-"),
      created: unixSeconds(),
      model: body.model ?? model.name,
      service_tier: "default",
      system_fingerprint: systemFingerprint(model),
    };
  }
}

type Delta = Choice["delta"];

/** Deltas of one choice, from its answer's events. */
class ChoiceDeltas {
  #hasBegun = false;
  #kind: Extract<TurnEvent, { type: "block_start" }>["kind"] = "text";
  #call = -1;

  *take(event: TurnEvent): Iterable<Delta> {
    switch (event.type) {
      case "started":
      case "block_end":
        break;
      case "block_start":
        yield* this.#begin(event.kind === "call");
        this.#kind = event.kind;
        if (event.kind === "call") {
          this.#call++;
          const { id, name } = event;
          yield {
            tool_calls: [{ index: this.#call, id, type: "function", function: { name, arguments: "" } }],
          };
        }
        break;
      case "delta":
        yield this.#more(event.text);
        break;
      case "done":
        yield* this.#begin(false);
        break;
    }
  }

  /** A message of tool calls alone has null for content, from its first chunk on. */
  *#begin(isCall: boolean): Iterable<Delta> {
    if (!this.#hasBegun) yield { role: "assistant", content: isCall ? null : "", refusal: null };
    this.#hasBegun = true;
  }

  #more(text: string): Delta {
    switch (this.#kind) {
      case "text":
        return { content: text };
      case "reasoning":
        return { reasoning_content: text, reasoning: text };
      case "call":
        return { tool_calls: [{ index: this.#call, function: { arguments: text } }] };
    }
  }
}

function choiceOf(index: number, delta: Choice["delta"], scores?: readonly ScoredToken[]): Choice {
  const logprobs = scores === undefined ? null : { content: toTokenLogprobs(scores), refusal: null };
  return { index, delta, logprobs, finish_reason: null };
}

/** One answer as it comes together. */
class Answer {
  readonly #blocks: Array<{ readonly start: Extract<TurnEvent, { type: "block_start" }>; text: string }> = [];
  readonly #tokens: ScoredToken[] = [];
  #end: TurnEnd | undefined;

  take(event: TurnEvent): void {
    switch (event.type) {
      case "started":
      case "block_end":
        break;
      case "block_start":
        this.#blocks.push({ start: event, text: "" });
        break;
      case "delta": {
        const block = this.#blocks[event.block];
        if (block === undefined) throw new Error("more of a block that was not opened");
        block.text += event.text;
        if (block.start.kind === "text") this.#tokens.push(...event.tokens);
        break;
      }
      case "done":
        this.#end = event;
        break;
    }
  }

  get pass(): TurnEnd {
    if (this.#end === undefined) throw new Error("an answer ended without saying how");
    return this.#end;
  }

  choice(index: number, hasLogprobs: boolean): ChatCompletion["choices"][number] {
    const calls = this.#blocks.flatMap(({ start, text }) =>
      start.kind === "call"
        ? [{ id: start.id, type: "function" as const, function: { name: start.name, arguments: text } }]
        : [],
    );
    const content = this.#text("text");
    const reasoning = this.#text("reasoning");
    return {
      index,
      message: {
        role: "assistant",
        content: calls.length > 0 && content === "" ? null : content,
        ...(reasoning !== "" && { reasoning_content: reasoning, reasoning }),
        refusal: null,
        annotations: [],
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: hasLogprobs ? { content: toTokenLogprobs(this.#tokens), refusal: null } : null,
      finish_reason: this.pass.finishReason,
    };
  }

  #text(kind: "text" | "reasoning"): string {
    return this.#blocks.map(({ start, text }) => (start.kind === kind ? text : "")).join("");
  }
}
