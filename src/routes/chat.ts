import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { foreignFieldsBut, localFields } from "../dialects/foreign-fields.ts";
import { noteInLog } from "../dialects/notes.ts";
import { accountFor } from "../dialects/refusals.ts";
import { ChatBody, ChatResponse } from "../features/chat/schema.ts";
import type { ChatService } from "../features/chat/service.ts";
import { markCached } from "../http/cached-answer.ts";
import { responseSchemas } from "../http/schema.ts";
import { streamEvents, tokenEvents } from "../http/stream-events.ts";
import { drain } from "../inference/completion.ts";

const unsupported = [...foreignFieldsBut(), ...localFields];

export interface ChatDependencies {
  readonly chat: ChatService;
  readonly maxNewTokensLimit: number;
}

/** `POST /chat` and `POST /v1/chat`: the same, without and with a key. */
export function chatRoutes({ chat, maxNewTokensLimit }: ChatDependencies): FastifyPluginAsyncTypebox {
  const body = ChatBody(maxNewTokensLimit);
  return async (app) => {
    for (const url of ["/chat", "/v1/chat"]) {
      const response = responseSchemas(
        ChatResponse,
        400,
        ...(url === "/chat" ? [] : ([401] as const)),
        429,
        503,
      );
      const schema = {
        tags: ["Chat"],
        summary: "Answer a prompt, with a full account of the cost",
        body,
        response,
      };
      app.post(
        url,
        { config: { scope: "inference", isKeyless: url === "/chat" }, schema },
        async (request, reply) => {
          noteInLog(request.context.account, accountFor(request.body, unsupported));
          const answer = chat.answer(request.body, request.context);
          if (request.body.stream === true)
            return streamEvents(request, reply, { events: tokenEvents(answer), last: "[DONE]" });
          const answered = await drain(answer);
          markCached(reply, answered);
          return answered;
        },
      );
    }
  };
}
