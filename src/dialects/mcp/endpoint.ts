import type {
  ClientCapabilities,
  McpHttpHandler,
  McpServer,
  ServerContext,
} from "@modelcontextprotocol/server";
import { ApiError, errorWords } from "../../errors.ts";
import type { FieldsLog } from "../../platform/log.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { describeTask, knowsTasks, type McpTasks, TASKS, toDecisions, toResult } from "./task.ts";
import type { McpTool } from "./tool.ts";

/** Least time between two notifications of one call's progress. */
const PROGRESS_MS = 250;

export interface McpEndpointOptions {
  readonly tools: readonly McpTool[];
  /** What tools that go on by themselves have begun. */
  readonly tasks: McpTasks;
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
    const serveTasks = await this.#taskServer();
    const { tools, tasks, version, log } = this.#options;
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
        serveTasks(server);
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
            async (input, { mcpReq }) => {
              const context = requestInfo && this.#contexts.get(requestInfo);
              if (context === undefined) throw new Error("an MCP request without its HTTP request");
              const capabilities = capabilitiesOf(mcpReq);
              if (tool.begin !== undefined && knowsTasks(capabilities)) {
                const { taskId, answer } = await tool.begin(input, context);
                const task = describeTask(await tasks.get(taskId), capabilities);
                return { ...toResult(answer), ...task, resultType: "task" };
              }
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

  /** Adds the methods of tasks to a server. */
  async #taskServer(): Promise<(server: McpServer) => void> {
    const sdk = await import("@modelcontextprotocol/server");
    const { tasks } = this.#options;
    const params = sdk.fromJsonSchema<{ readonly taskId: string; readonly inputResponses?: object }>({
      type: "object",
      properties: { taskId: { type: "string" }, inputResponses: { type: "object" } },
      required: ["taskId"],
    });
    /** Only clients that know tasks may ask for them. */
    const forThose = async <T>(mcpReq: ServerContext["mcpReq"], work: () => Promise<T>): Promise<T> => {
      if (!knowsTasks(capabilitiesOf(mcpReq)))
        throw new sdk.MissingRequiredClientCapabilityError({
          requiredCapabilities: { extensions: { [TASKS]: {} } },
        });
      return work().catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, error.message);
      });
    };
    return ({ server }) => {
      server.registerCapabilities({ extensions: { [TASKS]: {} } });
      server.setRequestHandler("tasks/get", { params }, ({ taskId }, { mcpReq }) =>
        forThose(mcpReq, async () => describeTask(await tasks.get(taskId), capabilitiesOf(mcpReq))),
      );
      server.setRequestHandler("tasks/update", { params }, ({ taskId, inputResponses }, { mcpReq }) =>
        forThose(mcpReq, async () => {
          const responses = mcpReq.inputResponses ?? inputResponses ?? {};
          await tasks.answer(taskId, toDecisions(responses as Readonly<Record<string, unknown>>));
          return {};
        }),
      );
      server.setRequestHandler("tasks/cancel", { params }, ({ taskId }, { mcpReq }) =>
        forThose(mcpReq, async () => {
          await tasks.cancel(taskId);
          return {};
        }),
      );
    };
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
      return toResult(await tool.run(input, context, progress));
    } catch (error) {
      if (!(error instanceof ApiError)) log.error({ err: error }, `the MCP tool ${tool.name} met a defect`);
      return { isError: true, content: [{ type: "text" as const, text: errorWords(error).message }] };
    }
  }
}

/** What a request's client says that it can do. */
function capabilitiesOf({ envelope }: ServerContext["mcpReq"]): ClientCapabilities | undefined {
  const fields = envelope as Readonly<Record<string, ClientCapabilities>> | undefined;
  return fields?.["io.modelcontextprotocol/clientCapabilities"];
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
