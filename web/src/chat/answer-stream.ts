import type { ChatCompletionBody, ChatCompletionChunk } from "../../../src/dialects/openai/chat/schema.ts";
import { answerPrompt } from "../../../src/features/rag/answer/prompt.ts";
import type { ErrorEnvelope } from "../../../src/http/error-envelope.ts";
import { ApiFailure, send } from "../api/client.ts";
import { readEvents } from "../api/events.ts";
import type { Account } from "./account.ts";
import type { ChatSettings, ToolCall, Turn } from "./conversation.ts";

export type RequestBody = Partial<ChatCompletionBody> & Pick<ChatCompletionBody, "messages">;

type Message = RequestBody["messages"][number];

/** What is sent for the next answer after `history`. */
export function requestBody({ system, parameters }: ChatSettings, history: readonly Turn[]): RequestBody {
  const question = history.findLast(({ role }) => role === "user");
  const messages = history.flatMap((turn) => messagesOf(turn, turn === question));
  return {
    messages: [...(system.trim() === "" ? [] : [{ role: "system" as const, content: system }]), ...messages],
    ...parameters,
  };
}

/** Passages go with the question that they were found for, and not with those before it: they take much of the context. */
function messagesOf(
  { role, text, passages = [], toolCalls = [], results = [] }: Turn,
  isQuestion: boolean,
): Message[] {
  switch (role) {
    case "user": {
      const found = passages.map(({ heading_path, text }) => ({ headingPath: heading_path, text }));
      return [{ role, content: isQuestion && found.length > 0 ? answerPrompt(found, text) : text }];
    }
    case "assistant": {
      const calls = toolCalls.map(({ id, ...called }) => ({
        id,
        type: "function" as const,
        function: called,
      }));
      return [{ role, content: text, ...(calls.length > 0 && { tool_calls: calls }) }];
    }
    case "tool":
      return results.map(({ id, content }) => ({ role, tool_call_id: id, content }));
  }
}

/** How far an answer is before its first word. */
export type Progress = Pick<ChatCompletionChunk, "queue_progress" | "prompt_progress">;

/** What is reported while an answer comes. */
export interface AnswerSink {
  text(piece: string): void;
  reasoning(piece: string): void;
  progress(progress: Progress): void;
}

export interface Answer {
  readonly account: Account;
  readonly toolCalls: readonly ToolCall[];
}

/**
 * Asks for an answer and passes its pieces on; resolves to the rest of it when it is whole, or when `signal` cuts it short.
 * @throws ApiFailure, Unreachable
 */
export async function streamAnswer(
  body: RequestBody,
  asked: Account["asked"],
  contextWindow: number | null,
  sink: AnswerSink,
  signal: AbortSignal,
): Promise<Answer> {
  const startedAt = performance.now();
  let firstTextAt: number | null = null;
  let last: ChatCompletionChunk | undefined;
  let timings: Account["timings"] = null;
  let usage: Account["usage"] = null;
  let latency: Account["latency"] = null;
  let finishReason: string | null = null;
  let isFromCache = false;
  let requestId = "";
  const calls = new Map<number, ToolCall>();
  try {
    const response = await send("/v1/chat/completions", {
      method: "POST",
      body: {
        ...body,
        stream: true,
        stream_options: { include_usage: true },
        include: ["account"],
        return_progress: true,
      },
      signal,
    });
    requestId = response.headers.get("x-request-id") ?? "";
    for await (const { data } of readEvents(response)) {
      if (data === "[DONE]") break;
      const chunk = parseChunk(data);
      last = chunk;
      timings = chunk.timings ?? timings;
      usage = chunk.usage ?? usage;
      latency = chunk.account ?? latency;
      isFromCache ||= chunk.cached === true;
      if (chunk.queue_progress !== undefined || chunk.prompt_progress !== undefined) sink.progress(chunk);
      for (const { delta, finish_reason } of chunk.choices) {
        finishReason = finish_reason ?? finishReason;
        if (delta.content || delta.reasoning) firstTextAt ??= performance.now();
        if (delta.reasoning) sink.reasoning(delta.reasoning);
        if (delta.content) sink.text(delta.content);
        for (const { index, id = "", function: called } of delta.tool_calls ?? []) {
          const before = calls.get(index) ?? { id, name: "", arguments: "" };
          calls.set(index, {
            ...before,
            name: before.name + (called?.name ?? ""),
            arguments: before.arguments + (called?.arguments ?? ""),
          });
        }
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const account: Account = {
    requestId,
    model: last?.model ?? "",
    fingerprint: last?.system_fingerprint ?? "",
    finishReason,
    timings,
    usage,
    latency,
    isFromCache,
    contextWindow,
    asked,
    browserMs: performance.now() - startedAt,
    browserFirstTextMs: firstTextAt === null ? null : firstTextAt - startedAt,
  };
  return { account, toolCalls: signal.aborted ? [] : [...calls.values()] };
}

/** @throws ApiFailure for an error that came after the stream had begun */
function parseChunk(data: string): ChatCompletionChunk {
  const event = JSON.parse(data) as ChatCompletionChunk | ErrorEnvelope;
  if ("error" in event) throw new ApiFailure(200, event);
  return event;
}
