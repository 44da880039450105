import type { Tool } from "@modelcontextprotocol/client";
import type { McpServerEntries, McpServerEntry } from "../../config/mcp-servers-file.ts";
import { ApiError } from "../../errors.ts";
import { digestOf } from "../../platform/digest.ts";
import type { FieldsLog } from "../../platform/log.ts";
import type { Store } from "../../platform/store/database.ts";
import { McpConnection } from "./connection.ts";
import { nameFor, ruleFor } from "./naming.ts";
import { findPins, pin, setPin } from "./pin-table.ts";
import { Secrets } from "./secrets.ts";

export interface McpServersOptions {
  readonly entries: McpServerEntries;
  readonly secret: (name: string) => string | undefined;
  readonly store: Store;
  readonly version: string;
  readonly log: Pick<FieldsLog, "warn">;
}

/** A tool of a server, and what becomes of calls of it. */
export interface RemoteTool {
  readonly label: string;
  /** By which a model calls it. */
  readonly name: string;
  readonly tool: Tool;
  readonly effect: "read" | "idempotent" | "write";
  /** What the operator's file says of it; undefined leaves it to others. */
  readonly approval: "always" | "never" | undefined;
  /** It is not as it was pinned: it can't be called until a person approves it. */
  readonly isQuarantined: boolean;
  readonly call: McpConnection["call"];
}

interface Made {
  readonly of: readonly Tool[];
  readonly tools: Promise<readonly RemoteTool[]>;
}

/** The MCP servers of the operator's file. Their tools are pinned as they are first seen. */
export class McpServers {
  readonly #options: McpServersOptions;
  readonly #connections: ReadonlyMap<string, McpConnection>;
  /** What was made of each server's latest list. */
  readonly #made = new Map<string, Made>();
  /** Changed tools that the log has, each with its digest. */
  readonly #warnedOf = new Set<string>();

  constructor(options: McpServersOptions) {
    this.#options = options;
    const { entries, secret, version } = options;
    const secrets = new Secrets(entries, secret);
    this.#connections = new Map(
      Object.entries(entries).map(([label, entry]) => [
        label,
        new McpConnection({ label, entry, secrets, version }),
      ]),
    );
  }

  get labels(): readonly string[] {
    return [...this.#connections.keys()];
  }

  /** @throws ApiError `not_found` */
  connection(label: string, param = "server_label"): McpConnection {
    const connection = this.#connections.get(label);
    if (connection !== undefined) return connection;
    throw new ApiError("not_found", `MCP_SERVERS_FILE has no server ${JSON.stringify(label)}.`, { param });
  }

  /** The server behind a URL, where there is one. */
  labelOfUrl(url: string): string | undefined {
    return this.labels.find((label) => {
      const { entry } = this.connection(label);
      return "url" in entry && entry.url === url;
    });
  }

  /** The tools of a server that its entry allows. @throws ApiError where it can't be had */
  async tools(label: string): Promise<readonly RemoteTool[]> {
    const connection = this.connection(label);
    const all = await connection.tools();
    const known = this.#made.get(label);
    if (known?.of === all) return known.tools;
    const tools = this.#make(label, connection, all);
    this.#made.set(label, { of: all, tools });
    return tools.catch((error: unknown) => {
      this.#made.delete(label);
      throw error;
    });
  }

  /** Takes a tool as it is now. @throws ApiError `not_found` */
  async approve(label: string, name: string): Promise<void> {
    const tool = (await this.connection(label).tools()).find((candidate) => candidate.name === name);
    if (tool === undefined)
      throw new ApiError("not_found", `${label} has no tool ${JSON.stringify(name)}.`, { param: "tool" });
    await setPin(await this.#options.store.database(), label, name, digestOfTool(tool));
    this.#made.delete(label);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }

  async #make(
    label: string,
    connection: McpConnection,
    all: readonly Tool[],
  ): Promise<readonly RemoteTool[]> {
    const { entry } = connection;
    const tools = all.filter(({ name }) => entry.allowed_tools?.includes(name) ?? true);
    const digested = tools.map((tool) => ({ tool, name: tool.name, digest: digestOfTool(tool) }));
    const pins = await this.#pins(label, digested);
    return digested.map(({ tool, digest }) => ({
      label,
      name: nameFor(label, tool.name),
      tool,
      effect: effectOf(tool, entry),
      approval: approvalOf(tool, entry),
      isQuarantined: pins.get(tool.name) !== digest,
      call: (...given) => connection.call(...given),
    }));
  }

  /** The digests that tools were first seen with; those that are new are kept. */
  async #pins(
    label: string,
    tools: ReadonlyArray<{ readonly name: string; readonly digest: string }>,
  ): Promise<ReadonlyMap<string, string>> {
    const database = await this.#options.store.database();
    const pins = new Map(await findPins(database, label));
    for (const { name, digest } of tools) {
      const pinned = pins.get(name);
      if (pinned === undefined) {
        await pin(database, label, name, digest);
        pins.set(name, digest);
      } else if (pinned !== digest && !this.#warnedOf.has(`${label} ${name} ${digest}`)) {
        this.#warnedOf.add(`${label} ${name} ${digest}`);
        this.#options.log.warn(
          { server: label, tool: name },
          "an MCP tool was changed since it was first seen, and can't be called until it is approved",
        );
      }
    }
    return pins;
  }
}

/** What a tool promises its callers. */
function digestOfTool({ name, description, inputSchema, annotations }: Tool): string {
  return digestOf({ name, description, inputSchema, annotations });
}

/** A server's word on what its tools change counts only where the operator says so. */
function effectOf(
  { annotations }: Tool,
  { trust_annotations: isTrusted }: McpServerEntry,
): RemoteTool["effect"] {
  if (isTrusted !== true) return "write";
  if (annotations?.readOnlyHint === true) return "read";
  return annotations?.idempotentHint === true ? "idempotent" : "write";
}

function approvalOf(tool: Tool, entry: McpServerEntry): RemoteTool["approval"] {
  const { require_approval: rule } = entry;
  return rule && ruleFor(rule, tool.name, effectOf(tool, entry) === "read");
}
