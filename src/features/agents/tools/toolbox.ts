import type { AgentTool } from "../agent.ts";
import { digestOf } from "../approval.ts";
import { calculator } from "./calculator.ts";
import type { ServerTool } from "./server-tool.ts";

/** Makes the tools that agents ask for, as far as they run here. */
export class Toolbox {
  /** Those of an agent, by the names by which its model calls them. */
  async open(tools: readonly AgentTool[]): Promise<ReadonlyMap<string, ServerTool>> {
    const opened = new Map<string, ServerTool>();
    for (const tool of tools) for (const each of this.#make(tool)) opened.set(each.declared.name, each);
    return opened;
  }

  #make(tool: AgentTool): readonly ServerTool[] {
    switch (tool.type) {
      case "function":
        return [];
      case "calculator":
        return [calculator];
    }
  }
}

/** What an approval is bound to: a tool that changes is another tool. */
export function definitionOf({ label, declared, effect }: ServerTool): string {
  const { name, description, parameters } = declared;
  return digestOf({ label, name, description, parameters, effect });
}
