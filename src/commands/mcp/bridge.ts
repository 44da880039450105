import { patientFetch, type Response } from "../../platform/patient-fetch.ts";
import { serverSentEvents } from "../../platform/server-sent-events.ts";

export interface McpBridgeOptions {
  /** Of the server, without a path. */
  readonly url: string;
  readonly apiKey: string;
  /** Takes a message for the program on the other side, without the line's end. */
  readonly write: (line: string) => void;
}

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: {
    readonly name?: unknown;
    readonly uri?: unknown;
    readonly requestId?: string | number;
    readonly _meta?: Readonly<Record<string, unknown>>;
  };
  readonly result?: { readonly protocolVersion?: unknown };
}

const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
const INTERNAL_ERROR = -32603;

/** Passes MCP messages of one program on to a server's `/mcp`, side by side, and what that answers back. */
export class McpBridge {
  readonly #options: McpBridgeOptions;
  readonly #requests = new Map<string | number, AbortController>();
  readonly #underWay = new Set<Promise<void>>();
  /** What `initialize` agreed on; programs of the later era name the revision in each request. */
  #version: string | undefined;

  constructor(options: McpBridgeOptions) {
    this.#options = options;
  }

  /** Takes one line of the program's. */
  take(line: string): void {
    if (line.trim() === "") return;
    const work = this.#pass(line).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  /** Resolves when everything that was taken has its answer. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #pass(line: string): Promise<void> {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      this.#fail(null, -32700, "The line is not JSON.");
      return;
    }
    const { id, method, params } = message;
    if (method === "notifications/cancelled" && params?.requestId !== undefined) {
      this.#requests.get(params.requestId)?.abort();
      return;
    }
    const controller = new AbortController();
    if (id !== undefined) this.#requests.set(id, controller);
    try {
      await this.#send(line, message, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return;
      const { url } = this.#options;
      const why = error instanceof Error ? error.message : String(error);
      this.#fail(
        id ?? null,
        INTERNAL_ERROR,
        `No server answers at ${url} (${why}): start it with npm start.`,
      );
    } finally {
      if (id !== undefined) this.#requests.delete(id);
    }
  }

  async #send(line: string, { id, method, params }: Message, signal: AbortSignal): Promise<void> {
    const { url, apiKey } = this.#options;
    const version = params?._meta?.[VERSION_KEY] ?? this.#version;
    const name = params?.name ?? params?.uri;
    const answer = await patientFetch(`${url}/mcp`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "x-api-key": apiKey,
        ...(method !== undefined && { "mcp-method": method }),
        ...(typeof version === "string" && { "mcp-protocol-version": version }),
        ...(typeof name === "string" && /^[\x21-\x7e]+$/.test(name) && { "mcp-name": name }),
      },
      body: line,
      signal,
    });
    for await (const text of messagesOf(answer)) {
      const reply = JSON.parse(text) as Message & { readonly jsonrpc?: string };
      // A refusal of the server's own, before it came to MCP.
      if (reply.jsonrpc === undefined) {
        this.#fail(id ?? null, INTERNAL_ERROR, `The server at ${url} answers ${answer.status}: ${text}`);
        continue;
      }
      if (method === "initialize" && typeof reply.result?.protocolVersion === "string")
        this.#version = reply.result.protocolVersion;
      this.#options.write(JSON.stringify(reply));
    }
  }

  #fail(id: string | number | null, code: number, message: string): void {
    this.#options.write(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } }));
  }
}

/** The messages of an answer: one as JSON, or several as events. */
async function* messagesOf(answer: Response): AsyncIterable<string> {
  const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (!isStream || answer.body === null) {
    const text = await answer.text();
    if (text !== "") yield text;
    return;
  }
  for await (const { data } of serverSentEvents(answer.body)) yield data;
}
