import type { FastifyReply, FastifyRequest } from "fastify";
import { monotonicMs } from "../platform/clock.ts";
import type { RequestAccount } from "../telemetry/request-account.ts";
import { latencyMs } from "./request-context.ts";

/** Longest silence on a stream: proxies take longer ones for dead connections. */
export const KEEP_ALIVE_MS = 15_000;

/** A client that takes nothing for this long has stopped reading, and is let go with all that is held for it. */
export const STALL_MS = 60_000;

/** One event; text is sent as it is, anything else as JSON. */
export interface SentEvent {
  /** Name of the event, in the protocols that name theirs. */
  readonly event?: string;
  readonly id?: number;
  readonly data: unknown;
}

/** Server-sent events on one reply: data lines, keep-alive comments, and an end whatever happens. */
export class EventStream {
  readonly #reply: FastifyReply;
  readonly #account: Pick<RequestAccount, "waitedForClient">;
  readonly #keepAlive: NodeJS.Timeout;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#reply = reply;
    this.#account = request.context.account;
    reply.hijack();
    const headers = reply.getHeaders();
    reply.raw.writeHead(200, {
      ...(headers as Record<string, string>),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      "x-request-id": request.id,
      "x-latency-ms": String(latencyMs(request)),
    });
    reply.raw.socket?.setNoDelay(true);
    this.#keepAlive = setInterval(() => this.keepAlive(), KEEP_ALIVE_MS);
  }

  /** A comment, which clients skip. */
  keepAlive(): void {
    if (!this.#reply.raw.destroyed) this.#reply.raw.write(": keep-alive\n\n");
  }

  /** Sends one event; waits while the client reads slower than this server writes. Its `id` is what a client that reconnects names. */
  async send({ event, id, data }: SentEvent): Promise<void> {
    const name = event === undefined ? "" : `event: ${event}\n`;
    const idLine = id === undefined ? "" : `id: ${id}\n`;
    await this.#write(`${name}${idLine}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  }

  end(): void {
    clearInterval(this.#keepAlive);
    const { raw } = this.#reply;
    raw.end();
    if (raw.writableFinished || raw.destroyed) return;
    const stalled = setTimeout(() => raw.destroy(), STALL_MS);
    raw.once("close", () => clearTimeout(stalled));
  }

  async #write(text: string): Promise<void> {
    const { raw } = this.#reply;
    this.#keepAlive.refresh();
    if (raw.destroyed) return;
    // The last event leaves with the end of the answer: a client that has read it knows that the request is recorded.
    const { socket } = raw;
    socket?.cork();
    process.nextTick(() => socket?.uncork());
    if (raw.write(text)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const startedAt = monotonicMs();
    const stalled = setTimeout(() => raw.destroy(), STALL_MS);
    raw.once("drain", resolve).once("close", resolve);
    await promise;
    clearTimeout(stalled);
    raw.off("drain", resolve).off("close", resolve);
    this.#account.waitedForClient(monotonicMs() - startedAt);
  }
}
