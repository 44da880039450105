import type { DeclaredTool } from "../../assistant/formats/call-expressions.ts";
import { nameFor } from "../../features/mcp-servers/naming.ts";
import type { McpServers, RemoteTool } from "../../features/mcp-servers/servers.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { invalid } from "../content.ts";
import { declareFunction } from "../declared-function.ts";
import type { Note } from "../notes.ts";
import type { AnthropicTool, CountTokensBody, McpServerField } from "./schema.ts";

/** A tool of an MCP server, and what the client calls the server. */
export interface ToolsetTool {
  readonly server: string;
  readonly remote: RemoteTool;
  readonly declared: DeclaredTool;
}

/** The MCP servers' tools of a message, by the names by which the model calls them. */
export type Toolsets = ReadonlyMap<string, ToolsetTool>;

/** Which tools of a server a message wants. */
interface Wanted {
  readonly server: McpServerField;
  readonly path: string;
  /** Undefined where the message does not say. */
  readonly isEnabled: (tool: string) => boolean | undefined;
  /** Tools that are named, by the fields that name them. */
  readonly named: ReadonlyMap<string, string>;
}

/**
 * Opens the tools that a message wants of servers, each of which has to be one of the operator's. No person is asked
 * before they run: what changes something is there only where the message names it as enabled, or the operator's file
 * lets it run.
 * @throws ApiError naming the field, or that says why a server can't be had
 */
export async function openToolsets(
  body: Pick<CountTokensBody, "mcp_servers" | "tools">,
  servers: McpServers,
  notes: Note[],
): Promise<Toolsets> {
  const toolsets = new Map<string, ToolsetTool>();
  for (const wanted of wantedOf(body)) {
    const { server, path, isEnabled, named } = wanted;
    const remotes = await servers.tools(labelOf(server, path, servers));
    const names = new Set(remotes.map(({ tool }) => tool.name));
    for (const [tool, field] of named)
      if (!names.has(tool)) notes.push({ param: field, reason: `${server.name} has no such tool` });
    for (const remote of remotes) {
      const { name, description, inputSchema } = remote.tool;
      const enabled = isEnabled(name);
      if (enabled === false) continue;
      const refusal = refusalOf(remote, enabled === true);
      if (refusal !== undefined) {
        notes.push({
          param: path,
          reason: `${name} of ${server.name} ${refusal}: the model is not told of it`,
        });
        continue;
      }
      const called = nameFor(server.name, name);
      const declared = declareFunction({ name: called, description, parameters: inputSchema, path });
      toolsets.set(called, { server: server.name, remote, declared });
    }
  }
  return toolsets;
}

function refusalOf({ isQuarantined, approval, effect }: RemoteTool, isEnabled: boolean): string | undefined {
  if (isQuarantined) return "was changed since it was first seen";
  if (approval === "always") return "needs a person's approval, for which there is no way here";
  return isEnabled || approval === "never" || effect === "read"
    ? undefined
    : "may change something, and is not enabled by name or by default_config";
}

/** Toolsets, and servers without one, which older clients send with all that they want. */
function wantedOf({ mcp_servers: given, tools }: Pick<CountTokensBody, "mcp_servers" | "tools">): Wanted[] {
  const servers = new Map<string, McpServerField>();
  for (const [index, server] of (given ?? []).entries()) {
    if (servers.has(server.name)) throw invalid(`mcp_servers[${index}].name`, "is another server's too");
    servers.set(server.name, server);
  }
  const wanted: Wanted[] = [];
  const left = new Map(servers);
  for (const [index, tool] of (tools ?? []).entries()) {
    if (tool.type !== "mcp_toolset") continue;
    const path = `tools[${index}]`;
    const server = servers.get(tool.mcp_server_name ?? "");
    if (server === undefined)
      throw invalid(`${path}.mcp_server_name`, `has to be the name of one of mcp_servers`);
    if (!left.delete(server.name))
      throw invalid(`${path}.mcp_server_name`, `has a toolset already: ${server.name}`);
    wanted.push({ server, path, ...choiceOf(tool, path) });
  }
  for (const [index, server] of (given ?? []).entries())
    if (left.has(server.name)) wanted.push(olderForm(server, `mcp_servers[${index}]`));
  return wanted;
}

function choiceOf(
  { default_config: usual, configs, tools: pinned }: AnthropicTool,
  path: string,
): Pick<Wanted, "isEnabled" | "named"> {
  const own = new Map(Object.entries(configs ?? {}));
  const listed = isSet(pinned) ? new Set(pinned.map(({ name }) => name)) : undefined;
  return {
    isEnabled: (tool) =>
      listed?.has(tool) === false ? false : (own.get(tool)?.enabled ?? usual?.enabled ?? undefined),
    named: new Map([...own.keys()].map((tool) => [tool, `${path}.configs.${tool}`])),
  };
}

function olderForm(server: McpServerField, path: string): Wanted {
  const { allowed_tools: allowed, enabled } = server.tool_configuration ?? {};
  return {
    server,
    path,
    isEnabled: (tool) => {
      if (enabled === false) return false;
      return isSet(allowed) ? allowed.includes(tool) : undefined;
    },
    named: new Map((allowed ?? []).map((tool) => [tool, `${path}.tool_configuration.allowed_tools`])),
  };
}

/** The operator's server behind a URL. @throws InvalidRequestError */
function labelOf(server: McpServerField, path: string, servers: McpServers): string {
  if (isSet(server.authorization_token))
    throw invalid(`mcp_servers.${server.name}.authorization_token`, "belongs into MCP_SERVERS_FILE");
  const label = servers.labelOfUrl(server.url);
  if (label === undefined)
    throw invalid(path, `names the server ${server.name}, whose url MCP_SERVERS_FILE does not have`);
  return label;
}
