import { setTimeout as delay } from "node:timers/promises";
import { digestOf } from "../../../platform/digest.ts";
import type { FieldsLog } from "../../../platform/log.ts";
import type { Store } from "../../../platform/store/database.ts";
import type { McpServers, RemoteTool } from "../../mcp-servers/servers.ts";
import type { AgentTool } from "../agent.ts";
import type { SessionRow } from "../session/tables.ts";
import { calculator } from "./calculator.ts";
import { codeTool } from "./code.ts";
import { type FetchRules, fetchTool } from "./fetch.ts";
import { fileSearch, type SearchPassages } from "./file-search.ts";
import { readOutputTool } from "./output.ts";
import type { ServerTool } from "./server-tool.ts";
import { searchTools } from "./tool-search.ts";

export interface ToolboxOptions {
  readonly servers: McpServers;
  readonly store: Store;
  readonly search: SearchPassages;
  readonly fetching: FetchRules;
  readonly log: Pick<FieldsLog, "warn">;
}

/** Longest pause after a failure of an MCP server that a step waits for: two more tries within some seconds. */
const PATIENCE_MS = 2_000;
/** What `read_output` gives at once, of what the model may have. */
const CHARACTERS_PER_TOKEN = 2;

/** Makes the tools that agents ask for, as far as they run here. */
export class Toolbox {
  readonly #options: ToolboxOptions;

  constructor(options: ToolboxOptions) {
    this.#options = options;
  }

  /** Those of a session's agent, by the names by which its model calls them. `hasOutputs`: any was too long for the model. @throws the signal's reason */
  async open(
    { id, plan: { agent, limits } }: Pick<SessionRow, "id" | "plan">,
    hasOutputs: boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ServerTool>> {
    const { store } = this.#options;
    const made = (await Promise.all(agent.tools.map((tool) => this.#make(tool, signal)))).flat();
    made.push(...searchTools(agent.tools, made));
    // Last, so that what the model is told of the others stays as it was.
    if (made.length > 0 && hasOutputs)
      made.push(readOutputTool(store, id, CHARACTERS_PER_TOKEN * limits.maxToolOutputTokens));
    return new Map(made.map((tool) => [tool.declared.name, tool]));
  }

  /** Why an agent can't have a tool here; undefined where it can. */
  refusal(tool: AgentTool): string | undefined {
    const { allowed, private: own } = this.#options.fetching;
    if (tool.type === "fetch" && allowed.length === 0 && own.length === 0)
      return "needs FETCH_ALLOWED_HOSTS, which names no hosts";
    return undefined;
  }

  async #make(tool: AgentTool, signal: AbortSignal): Promise<readonly ServerTool[]> {
    switch (tool.type) {
      case "function":
      case "tool_search":
        return [];
      case "calculator":
        return [calculator];
      case "code":
        return [codeTool];
      case "fetch":
        return [fetchTool(this.#options.fetching)];
      case "file_search":
        return [fileSearch(this.#options.search, tool)];
      case "mcp": {
        const tools = await this.#remote(tool.label, tool.allowed, signal);
        return tool.isDeferred === true ? tools.map((each) => ({ ...each, isDeferred: true })) : tools;
      }
    }
  }

  /** A server that is away for longer than a moment takes its tools with it, and no session. */
  async #remote(
    label: string,
    allowed: readonly string[] | null,
    signal: AbortSignal,
  ): Promise<readonly ServerTool[]> {
    const { servers, log } = this.#options;
    for (;;) {
      try {
        const tools = await servers.tools(label);
        return tools
          .filter(({ tool, isQuarantined }) => !isQuarantined && (allowed?.includes(tool.name) ?? true))
          .map(fromRemote);
      } catch (error) {
        signal.throwIfAborted();
        const pauseMs = servers.labels.includes(label) ? servers.connection(label).retryMs : undefined;
        if (pauseMs === undefined || pauseMs > PATIENCE_MS) {
          log.warn({ err: error, server: label }, "the tools of an MCP server are left out");
          return [];
        }
        await delay(pauseMs, undefined, { signal });
      }
    }
  }
}

function fromRemote({ label, name, tool, effect, approval, call }: RemoteTool): ServerTool {
  const { description, inputSchema } = tool;
  return {
    declared: {
      name,
      ...(description !== undefined && { description }),
      parameters: inputSchema,
      strict: false,
      path: `tools.${name}`,
    },
    label,
    effect,
    approval,
    run: (given, context) => call(tool.name, given, context),
  };
}

/** What an approval is bound to: a tool that changes is another tool. */
export function definitionOf({ label, declared, effect }: ServerTool): string {
  const { name, description, parameters } = declared;
  return digestOf({ label, name, description, parameters, effect });
}
