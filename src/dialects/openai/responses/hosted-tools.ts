import { errorWords } from "../../../errors.ts";
import { isSafeLabel, nameFor, ruleFor } from "../../../features/mcp-servers/naming.ts";
import type { McpServers, RemoteTool } from "../../../features/mcp-servers/servers.ts";
import { newId } from "../../../platform/ids.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import { checkServer } from "../named-server.ts";
import type { AskedCall } from "./approvals.ts";
import type { ResponseBody, ResponseTool } from "./schema.ts";

/** A tool of an MCP server that a response may use. */
export interface HostedTool {
  readonly remote: RemoteTool;
  /** Calls wait for a person. */
  readonly asks: boolean;
}

/** The MCP servers' tools of one request. */
export interface HostedTools {
  /** By the names by which the model calls them. */
  readonly byName: ReadonlyMap<string, HostedTool>;
  /** What the servers have, for the client: an item for each. */
  readonly lists: readonly object[];
}

export const noHostedTools: HostedTools = { byName: new Map(), lists: [] };

/** @throws ApiError naming the field; a server that can't be had is told in its list */
export async function openHostedTools({ tools }: ResponseBody, servers: McpServers): Promise<HostedTools> {
  const byName = new Map<string, HostedTool>();
  const lists: object[] = [];
  for (const [index, tool] of (tools ?? []).entries()) {
    if (tool.type !== "mcp") continue;
    const label = checkedLabel(tool, servers, `tools[${index}]`);
    const base = { id: newId("mcpl_"), type: "mcp_list_tools", server_label: label };
    try {
      const remotes = (await servers.tools(label)).filter(
        (remote) => !remote.isQuarantined && isAllowed(tool, remote),
      );
      for (const remote of remotes) byName.set(remote.name, { remote, asks: asks(tool, remote) });
      lists.push({
        ...base,
        tools: remotes.map(({ tool: { name, description, inputSchema, annotations } }) => ({
          name,
          description: description ?? null,
          input_schema: inputSchema,
          annotations: annotations ?? null,
        })),
        error: null,
      });
    } catch (error) {
      lists.push({ ...base, tools: [], error: errorWords(error).message });
    }
  }
  return { byName, lists };
}

/** The tool of a call that a person approved, if it is one of the request's still. */
export function toolOf({ byName }: HostedTools, { label, name }: AskedCall): HostedTool | undefined {
  return byName.get(nameFor(label, name));
}

function checkedLabel(tool: ResponseTool, servers: McpServers, path: string): string {
  const { server_label: label, server_url: url } = tool;
  if (label === undefined || !isSafeLabel(label)) throw invalid(`${path}.server_label`, "is required");
  for (const field of ["authorization", "connector_id", "headers", "tunnel_id"] as const)
    if (isSet(tool[field])) throw invalid(`${path}.${field}`, "belongs into MCP_SERVERS_FILE");
  checkServer(servers, { label, url }, { path });
  return label;
}

function isAllowed({ allowed_tools: allowed }: ResponseTool, { tool, effect }: RemoteTool): boolean {
  if (!isSet(allowed)) return true;
  if (Array.isArray(allowed)) return allowed.includes(tool.name);
  const { tool_names: names, read_only: readOnly } = allowed;
  return (names?.includes(tool.name) ?? true) && (readOnly === undefined || readOnly === (effect === "read"));
}

/** By the request, else by the operator's file; a tool of which neither says anything waits, as in OpenAI's API. */
function asks({ require_approval: rule }: ResponseTool, remote: RemoteTool): boolean {
  const own = isSet(rule) ? ruleFor(rule, remote.tool.name, remote.effect === "read") : undefined;
  return (own ?? remote.approval ?? "always") === "always";
}
