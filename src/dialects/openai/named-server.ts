import type { McpServers } from "../../features/mcp-servers/servers.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { invalid } from "../content.ts";

/**
 * Servers are the operator's: a request names one by its label, and reaches no other by its URL.
 * @throws ApiError naming the field
 */
export function checkServer(
  servers: McpServers,
  { label, url }: { readonly label: string; readonly url: string | null | undefined },
  { path, urlPath = path }: { readonly path: string; readonly urlPath?: string },
): void {
  const { entry } = servers.connection(label, `${path}.server_label`);
  if (isSet(url) && (!("url" in entry) || entry.url !== url))
    throw invalid(`${urlPath}.server_url`, `is not the one that MCP_SERVERS_FILE has for ${label}`);
}
