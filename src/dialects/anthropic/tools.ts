import type { DeclaredTool } from "../../assistant/formats/call-expressions.ts";
import type { ToolChoice } from "../../assistant/turn.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { invalid } from "../content.ts";
import { declareFunction } from "../declared-function.ts";
import type { Note } from "../notes.ts";
import type { AnthropicTool, CountTokensBody } from "./schema.ts";
import type { Toolsets } from "./toolsets.ts";

/** The functions that the model may call; those of MCP servers; tools that Anthropic would run are left out. @throws InvalidRequestError */
export function toTools(
  { tools, tool_choice: choice }: CountTokensBody,
  toolsets: Toolsets,
  notes: Note[],
): readonly DeclaredTool[] {
  const own = (tools ?? []).flatMap((tool, index) => {
    const { type, name, description, input_schema: schema, strict } = tool;
    if (type === "mcp_toolset") return [];
    if (isFunction(tool)) {
      if (name === undefined) throw invalid(`tools[${index}].name`, "is required");
      return [
        declareFunction({
          name,
          description,
          parameters: schema,
          strict,
          path: `tools[${index}].input_schema`,
        }),
      ];
    }
    if (choice?.type === "tool" && name !== undefined && choice.name === name)
      throw invalid("tool_choice.name", `is ${name}, a ${type} tool, and this server has none`);
    notes.push({
      param: `tools[${index}]`,
      reason: `this server has no ${type} tool: the model is not told of it`,
    });
    return [];
  });
  return [...own, ...[...toolsets.values()].map(({ declared }) => declared)];
}

function isFunction({ type, input_schema: schema }: AnthropicTool): boolean {
  return !isSet(type) || type === "custom" || type === "function" || schema !== undefined;
}

/** @throws InvalidRequestError */
export function toToolChoice(choice: CountTokensBody["tool_choice"]): ToolChoice {
  if (!isSet(choice)) return { type: "auto" };
  switch (choice.type) {
    case "any":
      return { type: "required" };
    case "tool":
      if (choice.name === undefined) throw invalid("tool_choice.name", "is required");
      return { type: "tool", name: choice.name };
    default:
      return { type: choice.type };
  }
}
