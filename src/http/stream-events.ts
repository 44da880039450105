import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiError } from "../errors.ts";
import { toApiError, toEnvelope } from "./error-envelope.ts";
import { EventStream, KEEP_ALIVE_MS, type SentEvent } from "./event-stream.ts";

export interface StreamOptions {
  readonly events: AsyncIterable<SentEvent>;
  /** An error as the protocol streams it; the envelope as it is when left out. */
  readonly formatError?: (error: ApiError, requestId: string) => SentEvent;
  /** What ends every stream, in the protocols that say so. */
  readonly last?: string;
}

/**
 * Answers with server-sent events. What fails before the first event is an ordinary error with a status of its own,
 * unless that takes so long that the stream must begin with a comment; later the error is an event.
 */
export async function streamEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  { events, formatError = (error, id) => ({ data: toEnvelope(error, id) }), last }: StreamOptions,
): Promise<FastifyReply> {
  let stream: EventStream | undefined;
  const open = () => {
    stream ??= new EventStream(request, reply);
    return stream;
  };
  const opening = setTimeout(() => open().keepAlive(), KEEP_ALIVE_MS);
  try {
    for await (const event of events) await open().send(event);
  } catch (error) {
    if (stream === undefined) throw error;
    const known = toApiError(error);
    if (known.code === "internal_error") request.log.error({ err: error }, "stream failed");
    request.context.account.failed(known);
    await stream.send(formatError(known, request.id));
  } finally {
    clearTimeout(opening);
  }
  if (last !== undefined) await open().send({ data: last });
  open().end();
  return reply;
}

/** Errors as an event named `error`, as OpenAI's responses have it: with the fields beside its type. */
export function errorEvent(error: ApiError, requestId: string): SentEvent {
  const envelope = toEnvelope(error, requestId);
  const { code, message, param } = envelope.error;
  return { event: "error", data: { type: "error", code, message, param, ...envelope } };
}

/** An answer of this server's own: an event for each piece of text, then the whole response. */
export async function* tokenEvents(answer: AsyncGenerator<string, object>): AsyncIterable<SentEvent> {
  const response = yield* pieces(answer);
  yield { data: response };
}

async function* pieces(answer: AsyncGenerator<string, object>): AsyncGenerator<SentEvent, object> {
  try {
    for (;;) {
      const { done, value } = await answer.next();
      if (done === true) return value as object;
      yield { data: { token: value } };
    }
  } finally {
    await answer.return({});
  }
}
