import type { Client, Tool, Transport } from "@modelcontextprotocol/client";
import type { McpServerEntry } from "../../config/mcp-servers-file.ts";
import { ApiError } from "../../errors.ts";
import { type Clock, monotonicMs } from "../../platform/clock.ts";
import { toWellFormed } from "../../platform/schema/well-formed.ts";
import { limitedFetch } from "./limited-fetch.ts";
import { resultText } from "./result-text.ts";
import type { Secrets } from "./secrets.ts";

const CONNECT_MS = 10_000;
const CALL_MS = 60_000;
/** Longest call, whatever progress it reports. */
const LONGEST_CALL_MS = 3_600_000;
const TOOLS_TTL_MS = 10_000;
/** Tools of one server that are read. */
const MAX_TOOLS = 1_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

export interface ConnectionOptions {
  readonly label: string;
  readonly entry: McpServerEntry;
  readonly secrets: Secrets;
  readonly version: string;
  readonly clock?: Clock;
}

export type ConnectionState = "unused" | "connected" | "failed";

/** One server's tools, from when they are first wanted. A server that fails is left alone for a while. */
export class McpConnection {
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  #client: Promise<Client> | undefined;
  #tools: { readonly list: readonly Tool[]; readonly at: number } | undefined;
  #listing: Promise<readonly Tool[]> | undefined;
  #failure: { readonly message: string; readonly until: number; readonly pauseMs: number } | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicMs;
  }

  get entry(): McpServerEntry {
    return this.#options.entry;
  }

  get state(): ConnectionState {
    if (this.#failure !== undefined) return "failed";
    return this.#tools === undefined ? "unused" : "connected";
  }

  /** Milliseconds until it is tried again; undefined where nothing has failed. */
  get retryMs(): number | undefined {
    return this.#failure && Math.max(0, this.#failure.until - this.#clock());
  }

  get failure(): string | undefined {
    return this.#failure?.message;
  }

  /** Revision of the protocol that is spoken; undefined while there is no connection. */
  async revision(): Promise<string | undefined> {
    if (this.state !== "connected") return undefined;
    return (await this.#client)?.getNegotiatedProtocolVersion();
  }

  /** Its tools in the order of their names. @throws ApiError `service_unavailable` while it can't be had */
  async tools(): Promise<readonly Tool[]> {
    const { tools_ttl_ms: ttlMs = TOOLS_TTL_MS } = this.#options.entry;
    if (this.#tools !== undefined && this.#clock() - this.#tools.at < ttlMs) return this.#tools.list;
    this.#listing ??= this.#list().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  /** @throws ApiError with the tool's own words, or that says what came between */
  async call(
    name: string,
    given: Readonly<Record<string, unknown>>,
    { callId, signal }: { readonly callId: string; readonly signal: AbortSignal },
  ): Promise<string> {
    const { secrets } = this.#options;
    const client = await this.#connected().catch(async (error: Error) => {
      await this.close();
      throw unavailable(this.#options.label, secrets.redact(error.message));
    });
    const { timeout_ms: timeout = CALL_MS } = this.#options.entry;
    const result = await client
      .callTool(
        { name, arguments: given, _meta: { "llm-server/call-id": callId } },
        {
          signal,
          timeout,
          maxTotalTimeout: LONGEST_CALL_MS,
          resetTimeoutOnProgress: true,
          onprogress: () => {},
        },
      )
      .catch((error: Error) => {
        signal.throwIfAborted();
        const message = secrets.redact(error.message);
        throw new ApiError("service_unavailable", `The server of the tool failed: ${message}`);
      });
    const text = secrets.redact(toWellFormed(resultText(result)));
    if (result.isError === true) throw new ApiError("invalid_request", text);
    return text;
  }

  /** Forgets what failed, and the connection. */
  async reconnect(): Promise<void> {
    this.#failure = undefined;
    await this.close();
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#tools = undefined;
    await client?.then((opened) => opened.close()).catch(() => {});
  }

  async #list(): Promise<readonly Tool[]> {
    const { label, secrets } = this.#options;
    if (this.#failure !== undefined && this.#clock() < this.#failure.until)
      throw unavailable(label, this.#failure.message);
    try {
      const client = await this.#connected();
      const { tools } = await client.listTools({}, { timeout: CONNECT_MS });
      const told = JSON.parse(secrets.redact(JSON.stringify(tools.slice(0, MAX_TOOLS)))) as Tool[];
      const list = told.sort((a, b) => (a.name < b.name ? -1 : 1));
      this.#tools = { list, at: this.#clock() };
      this.#failure = undefined;
      return list;
    } catch (error) {
      const message = secrets.redact((error as Error).message);
      const pauseMs = Math.min(LONGEST_RETRY_MS, 2 * (this.#failure?.pauseMs ?? FIRST_RETRY_MS / 2));
      await this.close();
      this.#failure = { message, pauseMs, until: this.#clock() + pauseMs };
      throw unavailable(label, message);
    }
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<Client> {
    const { Client } = await import("@modelcontextprotocol/client");
    const { version } = this.#options;
    const client = new Client(
      { name: "llm-server", version },
      { versionNegotiation: { mode: "auto", probe: { timeoutMs: CONNECT_MS } } },
    );
    client.onclose = () => {
      this.#client = undefined;
    };
    await client.connect(await this.#transport(), { timeout: CONNECT_MS });
    return client;
  }

  async #transport(): Promise<Transport> {
    const { entry, secrets } = this.#options;
    if ("command" in entry) {
      const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
      const { command, args = [], cwd, env = {} } = entry;
      // Its own words are its own affair: they may hold anything, and are kept out of this server's log.
      return new StdioClientTransport({
        command,
        args,
        env: secrets.reveal(env),
        stderr: "ignore",
        ...(cwd !== undefined && { cwd }),
      });
    }
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
    return new StreamableHTTPClientTransport(new URL(entry.url), {
      requestInit: { headers: secrets.reveal(entry.headers ?? {}), redirect: "error" },
      fetch: limitedFetch,
    });
  }
}

function unavailable(label: string, message: string): ApiError {
  return new ApiError("service_unavailable", `The MCP server ${label} can't be had: ${message}`);
}
