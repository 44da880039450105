import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { ChatBody, ChatResponse } from "../features/chat/schema.ts";
import type { ChatService } from "../features/chat/service.ts";
import { markCached } from "../http/cached-answer.ts";
import { disconnectSignal } from "../http/event-stream.ts";
import { responses } from "../http/schema.ts";
import { streamTokens } from "./token-stream.ts";

export interface ChatDependencies {
  readonly chat: ChatService;
  readonly maxNewTokensLimit: number;
}

/** `POST /chat` and `POST /v1/chat`: the same, without and with a key. */
export function chatRoutes({ chat, maxNewTokensLimit }: ChatDependencies): FastifyPluginAsyncTypebox {
  const body = ChatBody(maxNewTokensLimit);
  return async (app) => {
    for (const url of ["/chat", "/v1/chat"]) {
      const response = responses(ChatResponse, 400, ...(url === "/chat" ? [] : ([401] as const)), 429, 503);
      const schema = {
        tags: ["Chat"],
        summary: "Answer a prompt, with a full account of the cost",
        body,
        response,
      };
      app.post(url, { schema }, async (request, reply) => {
        const context = {
          requestId: request.id,
          arrivedAt: request.arrivedAt,
          signal: disconnectSignal(reply),
        };
        const answer = async (onText?: (text: string) => Promise<void>) => {
          const answered = await chat.answer(request.body, context, onText);
          Object.assign(request.logFields, logFields(answered));
          return answered;
        };
        if (request.body.stream === true) return streamTokens(request, reply, answer);
        const answered = await answer();
        markCached(reply, answered);
        return answered;
      });
    }
  };
}

function logFields(answer: ChatResponse) {
  const { queue_ms, prefill_ms, decode_ms } = answer.timings;
  return {
    model: answer.model,
    prompt_tokens: answer.prompt_tokens,
    cached_prompt_tokens: answer.cached_prompt_tokens,
    completion_tokens: answer.completion_tokens,
    finish_reason: answer.finish_reason,
    ...(answer.cached && { cached: true }),
    queue_ms,
    prefill_ms,
    decode_ms,
  };
}
