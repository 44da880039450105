import type { ChatCompletionBody, ChatCompletionChunk } from "../../../src/dialects/openai/chat/schema.ts";
import type { ErrorEnvelope } from "../../../src/http/error-envelope.ts";
import { ApiFailure, send } from "../api/client.ts";
import { readEvents } from "../api/events.ts";
import type { Account } from "./account.ts";
import type { Conversation, Turn } from "./conversation.ts";

export type RequestBody = Partial<ChatCompletionBody> & Pick<ChatCompletionBody, "messages">;

/** What is sent for the next answer after `history`. */
export function requestBody({ system, parameters }: Conversation, history: readonly Turn[]): RequestBody {
  const messages = history.map(({ role, text }) => ({ role, content: text }));
  return {
    messages: [...(system.trim() === "" ? [] : [{ role: "system" as const, content: system }]), ...messages],
    ...parameters,
  };
}

/** What is reported while an answer comes. */
export interface AnswerSink {
  text(piece: string): void;
  reasoning(piece: string): void;
}

/**
 * Asks for an answer and passes its pieces on; resolves to its account when it is whole, or when `signal` cuts it short.
 * @throws ApiFailure, Unreachable
 */
export async function streamAnswer(
  body: RequestBody,
  asked: Account["asked"],
  contextWindow: number | null,
  sink: AnswerSink,
  signal: AbortSignal,
): Promise<Account> {
  const startedAt = performance.now();
  let firstTextAt: number | null = null;
  let last: ChatCompletionChunk | undefined;
  let timings: Account["timings"] = null;
  let usage: Account["usage"] = null;
  let latency: Account["latency"] = null;
  let finishReason: string | null = null;
  let isFromCache = false;
  let requestId = "";
  try {
    const response = await send("/v1/chat/completions", {
      method: "POST",
      body: { ...body, stream: true, stream_options: { include_usage: true }, include: ["account"] },
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
      for (const { delta, finish_reason } of chunk.choices) {
        finishReason = finish_reason ?? finishReason;
        if (delta.content || delta.reasoning) firstTextAt ??= performance.now();
        if (delta.reasoning) sink.reasoning(delta.reasoning);
        if (delta.content) sink.text(delta.content);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return {
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
}

/** @throws ApiFailure for an error that came after the stream had begun */
function parseChunk(data: string): ChatCompletionChunk {
  const event = JSON.parse(data) as ChatCompletionChunk | ErrorEnvelope;
  if ("error" in event) throw new ApiFailure(200, event);
  return event;
}
