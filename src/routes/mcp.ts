import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply } from "fastify";
import { Type } from "typebox";
import type { McpEndpoint } from "../dialects/mcp/endpoint.ts";
import { responseSchemas } from "../http/schema.ts";

const Message = Type.Object({}, { additionalProperties: true, description: "JSON-RPC, as MCP has it." });

/** `POST /mcp`: what this server can do, for programs that speak the Model Context Protocol. */
export function mcpRoutes(endpoint: McpEndpoint): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onClose", () => endpoint.close());
    app.post(
      "/mcp",
      {
        config: { scope: "inference" },
        schema: {
          tags: ["MCP"],
          summary: "Model Context Protocol",
          body: Type.Unknown(),
          response: responseSchemas(Message, 400, 401, 429, 503),
        },
      },
      // The answers have forms of their own, which MCP describes.
      async (request, reply: FastifyReply) => {
        const headers = new Headers();
        for (const [name, value] of Object.entries(request.headers))
          for (const one of [value ?? []].flat()) headers.append(name, one);
        const url = `http://${request.headers.host ?? "localhost"}${request.url}`;
        const web = new Request(url, { method: "POST", headers, signal: request.context.signal });
        const answer = await endpoint.answer(web, request.body, request.context);
        reply.code(answer.status).headers(Object.fromEntries(answer.headers));
        return answer.body === null
          ? reply.send()
          : reply.send(Readable.fromWeb(answer.body as ReadableStream));
      },
    );
  };
}
