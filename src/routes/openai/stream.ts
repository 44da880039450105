import type { FastifyReply, FastifyRequest } from "fastify";
import { toApiError, toEnvelope } from "../../http/error-envelope.ts";
import { EventStream, KEEP_ALIVE_MS } from "../../http/event-stream.ts";

export interface StreamedEvent {
  /** Name of the event, in the protocols that name theirs. */
  readonly event?: string;
  readonly data: unknown;
}

/**
 * Answers with server-sent events. What fails before the first event is an ordinary error with a status of its own,
 * unless that takes so long that the stream must begin with a comment; later the error is an event, and the last one.
 */
export async function streamEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  events: AsyncIterable<StreamedEvent>,
  end: { readonly last?: string; readonly errorEvent?: string },
): Promise<FastifyReply> {
  let stream: EventStream | undefined;
  const open = () => {
    stream ??= new EventStream(request, reply);
    return stream;
  };
  const opening = setTimeout(() => open().keepAlive(), KEEP_ALIVE_MS);
  try {
    for await (const { event, data } of events)
      await (event === undefined ? open().send(data) : open().sendNamed(event, data));
    if (end.last !== undefined) await open().send(end.last);
  } catch (error) {
    if (stream === undefined) throw error;
    const known = toApiError(error);
    if (known.code === "internal_error") request.log.error({ err: error }, "stream failed");
    request.logFields["error"] = known.code;
    const envelope = toEnvelope(known, request.id);
    const { code, message, param } = envelope.error;
    // OpenAI's responses have the fields of the error beside its type, Anthropic's messages within `error`.
    const data =
      end.errorEvent === undefined ? envelope : { type: "error", code, message, param, ...envelope };
    await (end.errorEvent === undefined ? stream.send(data) : stream.sendNamed(end.errorEvent, data));
  } finally {
    clearTimeout(opening);
  }
  open().end();
  return reply;
}
