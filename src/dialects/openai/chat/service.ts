import type { Assistant } from "../../../assistant/assistant.ts";
import { choices } from "../../../assistant/choices.ts";
import type { TurnEvent, TurnOptions } from "../../../assistant/turn.ts";
import type { ScoredToken } from "../../../inference/engine.ts";
import type { ModelNames } from "../../../serving/model-names.ts";
import { namingFields } from "../../field-names.ts";
import {
  cachedField,
  newId,
  type Pass,
  systemFingerprint,
  toTimings,
  toUsage,
  unixSeconds,
} from "../accounting.ts";
import { toTokenLogprobs } from "../logprobs.ts";
import { toTurn } from "./request.ts";
import type { ChatCompletion, ChatCompletionBody, ChatCompletionChunk } from "./schema.ts";

type Choice = ChatCompletionChunk["choices"][number];

/** `POST /v1/chat/completions`, whole and as a stream. */
export class ChatCompletions {
  readonly #assistant: Assistant;
  readonly #models: ModelNames;

  constructor(assistant: Assistant, models: ModelNames) {
    this.#assistant = assistant;
    this.#models = models;
  }

  async complete(body: ChatCompletionBody, options: TurnOptions): Promise<ChatCompletion> {
    const head = this.#head(body);
    const answers = Array.from({ length: body.n ?? 1 }, () => new Answer());
    for await (const { choice, event } of this.#events(body, options)) answers[choice]?.take(event);
    const passes = answers.map((answer) => answer.pass);
    return {
      ...head,
      object: "chat.completion",
      choices: answers.map((answer, index) => answer.choice(index, body.logprobs === true)),
      usage: toUsage([passes]),
      timings: toTimings(passes),
      ...cachedField(passes),
    };
  }

  /** The reference's order: role, deltas, finish reason of each choice, then usage where it was asked for. */
  async *stream(body: ChatCompletionBody, options: TurnOptions): AsyncIterable<ChatCompletionChunk> {
    const wantsUsage = body.stream_options?.include_usage === true;
    const head = { ...this.#head(body), object: "chat.completion.chunk" as const };
    const chunk = (choice: Choice, rest: Partial<ChatCompletionChunk> = {}): ChatCompletionChunk => ({
      ...head,
      choices: [choice],
      ...(wantsUsage && { usage: null }),
      ...rest,
    });
    const begun = new Set<number>();
    const passes: Pass[] = [];
    for await (const { choice: index, event } of this.#events(body, options)) {
      if (!begun.has(index)) {
        begun.add(index);
        yield chunk(choiceOf(index, { role: "assistant", content: opening(event), refusal: null }));
      }
      const scores = event.type === "content" && body.logprobs === true ? event.tokens : undefined;
      switch (event.type) {
        case "content":
          if (event.text === "" && event.tokens.length === 0) break;
          yield chunk(choiceOf(index, { content: event.text }, scores));
          break;
        case "call": {
          const { call, id, name } = event;
          const delta = { index: call, id, type: "function" as const, function: { name, arguments: "" } };
          yield chunk(choiceOf(index, { tool_calls: [delta] }));
          break;
        }
        case "arguments": {
          const delta = { index: event.call, function: { arguments: event.text } };
          yield chunk(choiceOf(index, { tool_calls: [delta] }));
          break;
        }
        case "done":
          passes.push(event);
          yield chunk(
            { ...choiceOf(index, {}), finish_reason: event.finishReason },
            { timings: toTimings([event]), ...cachedField([event]) },
          );
          break;
      }
    }
    if (wantsUsage) yield { ...head, choices: [], usage: toUsage([passes]) };
  }

  async *#events(body: ChatCompletionBody, options: TurnOptions) {
    const plan = await this.#assistant.plan(toTurn(body));
    const names = {
      prompt: "messages",
      maxTokens: body.max_completion_tokens == null ? "max_tokens" : "max_completion_tokens",
    };
    yield* namingFields(choices(this.#assistant, plan, body.n ?? 1, options), names);
  }

  #head(body: ChatCompletionBody) {
    return {
      id: newId("chatcmpl-"),
      created: unixSeconds(),
      model: body.model,
      service_tier: "default",
      system_fingerprint: systemFingerprint(this.#models.find(body.model)),
    };
  }
}

/** A message of tool calls alone has null for content, from its first chunk on. */
function opening(event: TurnEvent): string | null {
  return event.type === "call" ? null : "";
}

function choiceOf(index: number, delta: Choice["delta"], scores?: readonly ScoredToken[]): Choice {
  const logprobs = scores === undefined ? null : { content: toTokenLogprobs(scores), refusal: null };
  return { index, delta, logprobs, finish_reason: null };
}

/** One answer as it comes together. */
class Answer {
  #text = "";
  readonly #tokens: ScoredToken[] = [];
  readonly #calls: Array<{ readonly id: string; readonly name: string; arguments: string }> = [];
  #end: Extract<TurnEvent, { type: "done" }> | undefined;

  take(event: TurnEvent): void {
    switch (event.type) {
      case "content":
        this.#text += event.text;
        this.#tokens.push(...event.tokens);
        break;
      case "call":
        this.#calls.push({ id: event.id, name: event.name, arguments: "" });
        break;
      case "arguments": {
        const call = this.#calls[event.call];
        if (call !== undefined) call.arguments += event.text;
        break;
      }
      case "done":
        this.#end = event;
        break;
    }
  }

  get pass(): Extract<TurnEvent, { type: "done" }> {
    if (this.#end === undefined) throw new Error("an answer ended without saying how");
    return this.#end;
  }

  choice(index: number, hasLogprobs: boolean): ChatCompletion["choices"][number] {
    const calls = this.#calls.map(({ id, name, arguments: text }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: text },
    }));
    return {
      index,
      message: {
        role: "assistant",
        content: calls.length > 0 && this.#text === "" ? null : this.#text,
        refusal: null,
        annotations: [],
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: hasLogprobs ? { content: toTokenLogprobs(this.#tokens), refusal: null } : null,
      finish_reason: this.pass.finishReason,
    };
  }
}
