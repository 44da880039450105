import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { type Dialect, isRecord } from "./dialect.ts";
import type { Outcome, Usage } from "./outcome.ts";
import type { GenerationRequest } from "./workload.ts";

/** Where and how requests are sent. */
export interface ClientOptions {
  readonly url: string;
  readonly dialect: Dialect;
  readonly apiKey: string;
  /** A request that takes longer is given up and counted as failed. */
  readonly timeoutMs: number;
}

/** When a client goes away before it has its answer. */
export interface Departure {
  /** Milliseconds after sending; undefined stays. */
  readonly afterMs?: number | undefined;
  /** Pieces of text seen. */
  readonly afterPieces?: number | undefined;
}

/**
 * Sends streamed generations over kept-alive connections. It shares the machine with the server under test, so it
 * does as little as can be while bytes arrive: a clock reading and a search for one marker; the last event alone is
 * parsed, after the end.
 */
export class Client implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 256 });
  readonly #options: ClientOptions;
  readonly #url: URL;
  #isClosed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#url = new URL(options.dialect.path, options.url);
  }

  /** Never rejects: whatever happens is an outcome. `onPiece` is called for each arrival. */
  async send(request: GenerationRequest, departure?: Departure, onPiece?: () => void): Promise<Outcome> {
    const body = Buffer.from(this.#options.dialect.body(request));
    const isTextWanted = request.isTextWanted === true;
    const outcome = await this.#attempt(body, { departure, onPiece, isTextWanted });
    // The server closed the idle connection just as it was used again: not the server's failure under any load.
    const second = { departure, onPiece, isTextWanted, isSecond: true };
    return outcome ?? (await this.#attempt(body, second)) ?? unreachable();
  }

  #attempt(
    body: Buffer,
    { departure, onPiece, isTextWanted, isSecond = false }: Attempt,
  ): Promise<Outcome | undefined> {
    const { promise, resolve } = Promise.withResolvers<Outcome | undefined>();
    const { dialect, apiKey, timeoutMs } = this.#options;
    const startedAtMs = performance.now();
    const arrivalsMs: number[] = [];
    const chunks: Buffer[] = [];
    let status = 0;
    let retryAfterSeconds: number | undefined;
    let leaving: NodeJS.Timeout | undefined;
    const settle = (failure: string | undefined, usage?: Usage, answer?: string) => {
      clearTimeout(deadline);
      clearTimeout(leaving);
      const latencyMs = performance.now() - startedAtMs;
      resolve({
        startedAtMs,
        status,
        failure,
        latencyMs,
        arrivalsMs,
        usage,
        retryAfterSeconds,
        text: answer,
      });
    };
    const request = httpRequest(this.#url, {
      method: "POST",
      agent: this.#agent,
      headers: {
        "content-type": "application/json",
        "content-length": body.length,
        "x-api-key": apiKey,
      },
    });
    if (this.#isClosed) request.destroy();
    const leave = (why: string) => {
      settle(why);
      request.destroy();
    };
    const deadline = setTimeout(() => leave("client_timeout"), timeoutMs);
    if (departure?.afterMs !== undefined) leaving = setTimeout(() => leave("client_left"), departure.afterMs);
    request.on("response", (response: IncomingMessage) => {
      status = response.statusCode ?? 0;
      const header = response.headers["retry-after"];
      if (header !== undefined) retryAfterSeconds = Number(header);
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (!chunk.includes(dialect.tokenMarker)) return;
        arrivalsMs.push(performance.now() - startedAtMs);
        onPiece?.();
        if (arrivalsMs.length === departure?.afterPieces) leave("client_left");
      });
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const last = status === 200 ? lastEvent(text) : parseRecord(text);
        const usage = status === 200 ? dialect.usage(last) : undefined;
        const answer = isTextWanted && usage !== undefined ? textOf(text, dialect) : undefined;
        settle(usage === undefined ? failureOf(last, status) : undefined, usage, answer);
      });
      response.on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? "broken_answer"));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      if (
        request.reusedSocket &&
        !isSecond &&
        !this.#isClosed &&
        status === 0 &&
        error.code === "ECONNRESET"
      ) {
        clearTimeout(deadline);
        clearTimeout(leaving);
        resolve(undefined);
      } else settle(error.code ?? "request_failed");
    });
    request.end(body);
    return promise;
  }

  /** Ends every connection; requests under way end as failed. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#agent.destroy();
  }
}

interface Attempt {
  readonly departure: Departure | undefined;
  readonly onPiece: (() => void) | undefined;
  readonly isTextWanted: boolean;
  readonly isSecond?: boolean;
}

function textOf(stream: string, dialect: Dialect): string {
  return stream
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => dialect.text(parseRecord(event.slice("data: ".length))))
    .join("");
}

/** The JSON of the last event of a stream that is not `[DONE]`. */
export function lastEvent(stream: string): Record<string, unknown> {
  const events = stream.trimEnd().split("\n\n");
  for (let at = events.length - 1; at >= 0; at--) {
    const event = events[at] ?? "";
    if (event.startsWith("data: {")) return parseRecord(event.slice("data: ".length));
  }
  return {};
}

function parseRecord(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** The most telling word of an error body: the reason, else the code, else the status. */
function failureOf(body: Readonly<Record<string, unknown>>, status: number): string {
  const error = body["error"];
  if (!isRecord(error)) return status === 200 ? "no_summary" : `status_${status}`;
  const details = error["details"];
  const reason = isRecord(details) ? details["reason"] : undefined;
  return String(reason ?? error["code"] ?? status);
}

function unreachable(): never {
  throw new Error("a second attempt always has an outcome");
}
