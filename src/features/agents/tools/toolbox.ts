import { digestOf } from "../../../platform/digest.ts";
import type { FieldsLog } from "../../../platform/log.ts";
import type { McpServers, RemoteTool } from "../../mcp-servers/servers.ts";
import type { AgentTool } from "../agent.ts";
import { calculator } from "./calculator.ts";
import type { ServerTool } from "./server-tool.ts";

export interface ToolboxOptions {
  readonly servers: McpServers;
  readonly log: Pick<FieldsLog, "warn">;
}

/** Makes the tools that agents ask for, as far as they run here. */
export class Toolbox {
  readonly #options: ToolboxOptions;

  constructor(options: ToolboxOptions) {
    this.#options = options;
  }

  /** Those of an agent, by the names by which its model calls them. */
  async open(tools: readonly AgentTool[]): Promise<ReadonlyMap<string, ServerTool>> {
    const made = await Promise.all(tools.map((tool) => this.#make(tool)));
    return new Map(made.flat().map((tool) => [tool.declared.name, tool]));
  }

  async #make(tool: AgentTool): Promise<readonly ServerTool[]> {
    switch (tool.type) {
      case "function":
        return [];
      case "calculator":
        return [calculator];
      case "mcp":
        return this.#remote(tool.label, tool.allowed);
    }
  }

  /** A server that can't be had takes its tools with it, and no session. */
  async #remote(label: string, allowed: readonly string[] | null): Promise<readonly ServerTool[]> {
    try {
      const tools = await this.#options.servers.tools(label);
      return tools
        .filter(({ tool, isQuarantined }) => !isQuarantined && (allowed?.includes(tool.name) ?? true))
        .map(fromRemote);
    } catch (error) {
      this.#options.log.warn({ err: error, server: label }, "the tools of an MCP server are left out");
      return [];
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
