import type { McpHttpHandler } from "@modelcontextprotocol/server";
import { ApiError, errorWords } from "../../errors.ts";
import type { FieldsLog } from "../../platform/log.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import type { McpTool } from "./tool.ts";

/** Least time between two notifications of one call's progress. */
const PROGRESS_MS = 250;

export interface McpEndpointOptions {
  readonly tools: readonly McpTool[];
  readonly version: string;
  readonly clock: () => number;
  readonly log: Pick<FieldsLog, "debug" | "error">;
}

/**
 * MCP over HTTP without sessions, in both of its eras: the revision of 2026-07-28, and clients that begin with
 * `initialize`. The SDK is loaded by the first request.
 */
export class McpEndpoint {
  readonly #options: McpEndpointOptions;
  readonly #contexts = new WeakMap<Request, RequestContext>();
  #handler: Promise<McpHttpHandler> | undefined;

  constructor(options: McpEndpointOptions) {
    this.#options = options;
  }

  /** Answers one request, whose body has been parsed. */
  async answer(request: Request, body: unknown, context: RequestContext): Promise<Response> {
    this.#handler ??= this.#load();
    this.#contexts.set(request, context);
    const { fetch } = await this.#handler;
    return fetch(request, { parsedBody: body });
  }

  async close(): Promise<void> {
    await (await this.#handler)?.close();
  }

  async #load(): Promise<McpHttpHandler> {
    const { createMcpHandler, fromJsonSchema, McpServer } = await import("@modelcontextprotocol/server");
    const { tools, version, log } = this.#options;
    const schemas = new Map(
      tools.map(({ name, input, output }) => [
        name,
        {
          inputSchema: fromJsonSchema(plain(input)),
          outputSchema: fromJsonSchema<Record<string, unknown>>(plain(output)),
        },
      ]),
    );
    return createMcpHandler(
      ({ requestInfo }) => {
        const server = new McpServer({ name: "llm-server", version });
        for (const tool of tools) {
          const { name, title, description, hints } = tool;
          const schema = schemas.get(name) as NonNullable<ReturnType<typeof schemas.get>>;
          server.registerTool(
            name,
            {
              title,
              description,
              ...schema,
              annotations: { ...hints, destructiveHint: false, openWorldHint: false },
            },
            (input, { mcpReq }) => {
              const context = requestInfo && this.#contexts.get(requestInfo);
              if (context === undefined) throw new Error("an MCP request without its HTTP request");
              const token = mcpReq._meta?.progressToken;
              const tell =
                token === undefined
                  ? () => {}
                  : (progress: number) =>
                      void mcpReq
                        .notify({
                          method: "notifications/progress",
                          params: { progressToken: token, progress },
                        })
                        // The client has gone, which the signal tells too.
                        .catch(() => {});
              const signal = AbortSignal.any([context.signal, mcpReq.signal]);
              return this.#call(tool, input, { ...context, signal }, tell);
            },
          );
        }
        return server;
      },
      // Requests that it refuses, which their clients are told of.
      { onerror: (error) => log.debug({ err: error }, "MCP") },
    );
  }

  /** What goes wrong is the call's result, which the model that called reads. */
  async #call(tool: McpTool, input: unknown, context: RequestContext, tell: (progress: number) => void) {
    const { clock, log } = this.#options;
    let toldAt = clock();
    const progress = (done: number) => {
      if (clock() - toldAt < PROGRESS_MS) return;
      toldAt = clock();
      tell(done);
    };
    try {
      const { structured, text = JSON.stringify(structured) } = await tool.run(input, context, progress);
      return {
        content: [{ type: "text" as const, text }],
        structuredContent: structured as Record<string, unknown>,
      };
    } catch (error) {
      if (!(error instanceof ApiError)) log.error({ err: error }, `the MCP tool ${tool.name} met a defect`);
      return { isError: true, content: [{ type: "text" as const, text: errorWords(error).message }] };
    }
  }
}

/** What `format: "text"` asks for (`http/validation.ts`), in a keyword that every validator knows. */
const TEXT = "^[^\\u0000\\ud800-\\udfff]*$";

/** The schema in JSON Schema's own words. */
function plain(schema: object): { type: "object"; [keyword: string]: unknown } {
  const text = JSON.stringify(schema, (_key, value) => {
    if (value?.format !== "text") return value;
    const { format: _, ...rest } = value;
    return { ...rest, allOf: [{ pattern: TEXT }] };
  });
  return JSON.parse(text);
}
