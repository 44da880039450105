/** A server of tools over standard input and output, made with the official SDK; started by a test's operator file. */
import { fromJsonSchema, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";

await serveStdio(() => {
  const server = new McpServer({ name: "stdio-tools", version: "1.0.0" });
  server.registerTool(
    "environment",
    {
      description: "Tells which of some variables this process has.",
      inputSchema: fromJsonSchema({ type: "object", properties: {} }),
    },
    () => {
      const names = ["GIVEN", "WIKI_TOKEN", "MCP_SERVERS_FILE"].filter(
        (name) => process.env[name] !== undefined,
      );
      return { content: [{ type: "text" as const, text: `has ${names.join(", ")}` }] };
    },
  );
  return server;
});
