import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ChatBody, ChatResponse } from "../chat/schema.ts";
import type { ChatContext, ChatService } from "../chat/service.ts";
import { markCached } from "../http/cached-answer.ts";
import { toApiError, toEnvelope } from "../http/error-envelope.ts";
import { disconnectSignal, EventStream, KEEP_ALIVE_MS } from "../http/event-stream.ts";
import { responses } from "../http/schema.ts";

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
        if (request.body.stream === true) return stream(chat, request.body, context, request, reply);
        const answer = await chat.answer(request.body, context);
        Object.assign(request.logFields, logFields(answer));
        markCached(reply, answer);
        return answer;
      });
    }
  };
}

/** One event a piece of text, the whole response as the last one, then `[DONE]`. An error ends the stream as an event of its own. */
async function stream(
  chat: ChatService,
  body: ChatBody,
  context: ChatContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // Errors before the first token are ordinary answers with a status of their own, unless that takes so long that the
  // stream must begin with a comment.
  let events: EventStream | undefined;
  const open = () => {
    events ??= new EventStream(request, reply);
    return events;
  };
  const opening = setTimeout(() => open().keepAlive(), KEEP_ALIVE_MS);
  try {
    const answer = await chat.answer(body, context, (text) => open().send({ token: text }));
    Object.assign(request.logFields, logFields(answer));
    await open().send(answer);
  } catch (error) {
    if (events === undefined) throw error;
    const known = toApiError(error);
    if (known.code === "internal_error") request.log.error({ err: error }, "stream failed");
    request.logFields["error"] = known.code;
    await events.send(toEnvelope(known, request.id));
  } finally {
    clearTimeout(opening);
  }
  await open().send("[DONE]");
  open().end();
  return reply;
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
