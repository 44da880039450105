import { randomUUID } from "node:crypto";
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { InvalidRequestError } from "../errors.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { toEnvelope } from "./error-envelope.ts";

/** What a connection brought that never became a request: Node gives no request object for it. */
const refusals: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "The request's headers are larger than this server accepts (16 KiB)."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request did not arrive in time."],
};
const malformed = [400, "This is not a valid HTTP request."] as const;

/** Answers in the contract's envelope what Node's parser refuses, unless an answer is under way on the connection. */
export class ConnectionErrors {
  readonly #metrics: Metrics;
  readonly #answering = new WeakSet<Socket>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Remembers that `response` is being written to its socket: nothing else may be, or it would be read as a part of it. */
  watch(response: ServerResponse): void {
    const { socket } = response;
    if (socket === null) return;
    this.#answering.add(socket);
    response.once("close", () => this.#answering.delete(socket));
  }

  refuse(error: Error & { readonly code?: string }, socket: Socket): void {
    if (error.code !== "ECONNRESET" && socket.writable && !this.#answering.has(socket)) {
      const [status, message] = refusals[error.code ?? ""] ?? malformed;
      socket.write(answer(status, message));
      this.#metrics.requestFinished("unknown", "unparsed", status, 0);
    }
    socket.destroy();
  }
}

function answer(status: number, message: string): string {
  const id = randomUUID();
  const body = JSON.stringify(toEnvelope(new InvalidRequestError(message), id));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "connection: close",
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    "x-latency-ms: 0",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
