/** The client of MCP servers as the conformance suite starts it: lists the tools of the server at the URL that it is given, and calls them. */
import type { Tool } from "@modelcontextprotocol/client";
import { McpConnection } from "../../src/features/mcp-servers/connection.ts";
import { Secrets } from "../../src/features/mcp-servers/secrets.ts";

interface Context {
  readonly toolCalls?: ReadonlyArray<{ readonly name: string; readonly arguments: Record<string, unknown> }>;
}

const url = process.argv.at(-1) ?? "";
const { toolCalls }: Context = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}");
const connection = new McpConnection({
  label: "suite",
  entry: { url },
  secrets: new Secrets({}, () => undefined),
  version: "0.0.0",
});
const tools = await connection.tools();
for (const { name, arguments: given } of toolCalls ?? tools.map(sample))
  await connection
    .call(name, given, { callId: "call_1", signal: AbortSignal.timeout(20_000) })
    .catch((error: Error) => console.error(`${name}: ${error.message}`));
await connection.close();

/** A call of a tool, with something in each of its fields. */
function sample({ name, inputSchema: { properties = {} } }: Tool) {
  const fields = Object.entries(properties).map(([field, schema]) => {
    const { type } = schema as { readonly type?: string };
    return [field, type === "number" || type === "integer" ? 1 : "x"] as const;
  });
  return { name, arguments: Object.fromEntries(fields) };
}
