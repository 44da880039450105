import type { FastifyReply, FastifyRequest } from "fastify";
import { toApiError, toEnvelope } from "../http/error-envelope.ts";
import { EventStream, KEEP_ALIVE_MS } from "../http/event-stream.ts";

/**
 * Streams what `answer` gives: one event a piece of text, the whole response as the last one, then `[DONE]`. An error
 * ends the stream as an event of its own.
 */
export async function streamTokens(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: (onText: (text: string) => Promise<void>) => Promise<unknown>,
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
    const whole = await answer((text) => open().send({ token: text }));
    await open().send(whole);
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
