import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createMcpHandler, fromJsonSchema, McpServer } from "@modelcontextprotocol/server";

export interface TestTool {
  readonly name: string;
  readonly description: string;
  readonly properties: Readonly<Record<string, object>>;
  readonly readOnly?: boolean;
  readonly run: (given: Readonly<Record<string, unknown>>) => Promise<string> | string;
  /** Time after the tool took effect until it answers. */
  readonly answerAfterMs?: number;
}

/** An MCP server in this process, made with the official SDK, whose tools can be exchanged while it runs. */
export interface ToolServer extends AsyncDisposable {
  readonly url: string;
  tools: readonly TestTool[];
  /** Requests that are still to be answered with 503. */
  refusals: number;
  /** Every call that took effect: the tool, what it was given, and the caller's id of the call. */
  readonly effects: Array<{ readonly tool: string; readonly given: object; readonly callId: unknown }>;
}

export async function startToolServer(tools: readonly TestTool[]): Promise<ToolServer> {
  const effects: ToolServer["effects"] = [];
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "test-tools", version: "1.0.0" });
    for (const { name, description, properties, readOnly, run, answerAfterMs } of made.tools)
      server.registerTool(
        name,
        {
          description,
          inputSchema: fromJsonSchema<Record<string, unknown>>({
            type: "object",
            properties: properties as Record<string, never>,
            required: Object.keys(properties),
          }),
          annotations: { readOnlyHint: readOnly ?? false },
        },
        async (given, { mcpReq }) => {
          effects.push({ tool: name, given, callId: mcpReq._meta?.["llm-server/call-id"] });
          const text = await run(given);
          if (answerAfterMs !== undefined) await pause(answerAfterMs);
          return { content: [{ type: "text" as const, text }] };
        },
      );
    return server;
  });
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (made.refusals > 0) {
      made.refusals--;
      response.writeHead(503).end();
      return;
    }
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers))
      if (typeof value === "string") headers.set(name, value);
    const hasBody = request.method !== "GET" && request.method !== "HEAD";
    const answer = await handler.fetch(
      new Request(`http://127.0.0.1${request.url}`, {
        method: request.method ?? "GET",
        headers,
        ...(hasBody && { body: Buffer.concat(chunks) }),
      }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const made: ToolServer = {
    url: `http://127.0.0.1:${port}/mcp`,
    tools,
    refusals: 0,
    effects,
    [Symbol.asyncDispose]: async () => {
      await handler.close();
      http.closeAllConnections();
      http.close();
    },
  };
  return made;
}
