import type { DeclaredTool } from "../../../assistant/formats/call-expressions.ts";
import type { ToolChoice } from "../../../assistant/turn.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import { declareFunction } from "../../declared-function.ts";
import type { Note } from "../../notes.ts";
import { declareCustom } from "../custom-tools.ts";
import type { HostedTools } from "./hosted-tools.ts";
import type { ResponseBody, ResponseTool } from "./schema.ts";

/** How a client knows a tool that the model calls by `DeclaredTool.name`. */
export interface ClientTool {
  readonly name: string;
  /** The group it was declared in, which calls of it name beside it. */
  readonly namespace?: string;
  /** It takes text and no JSON (`CustomTool`). */
  readonly isCustom?: true;
}

export interface Tools {
  readonly declared: readonly DeclaredTool[];
  readonly clientTool: (name: string) => ClientTool;
}

/** The tools that the model may call: functions, custom ones, those of namespaces; hosted ones are left out. */
export function toTools({ tools }: ResponseBody, hosted: HostedTools, notes: Note[]): Tools {
  const declared: DeclaredTool[] = [];
  const byName = new Map<string, ClientTool>();
  const add = (tool: ResponseTool, path: string, namespace?: string) => {
    const { type, tools: nested } = tool;
    if (type === "namespace" && Array.isArray(nested)) {
      for (const [index, inner] of nested.entries())
        add(inner as ResponseTool, `${path}.tools[${index}]`, tool.name);
      return;
    }
    if (type === "mcp") return;
    if (type !== "function" && type !== "custom") {
      notes.push({ param: path, reason: `this server has no ${type} tool: the model is not told of it` });
      return;
    }
    if (tool.name === undefined) throw invalid(`${path}.name`, "is required");
    const name = byName.has(tool.name) && namespace !== undefined ? `${namespace}.${tool.name}` : tool.name;
    const isCustom = type === "custom";
    byName.set(name, {
      name: tool.name,
      ...(namespace !== undefined && { namespace }),
      ...(isCustom && { isCustom }),
    });
    declared.push(declare(tool, name, path));
  };
  for (const [index, tool] of (tools ?? []).entries()) add(tool, `tools[${index}]`);
  for (const [name, { remote }] of hosted.byName)
    declared.push(
      declareFunction({
        name,
        description: remote.tool.description,
        parameters: remote.tool.inputSchema,
        path: `tools.${name}`,
      }),
    );
  return { declared, clientTool: (name) => byName.get(name) ?? { name } };
}

function declare(
  { type, description, parameters, strict, format }: ResponseTool,
  name: string,
  path: string,
): DeclaredTool {
  if (type === "custom") return declareCustom({ name, description, syntax: format?.definition, path });
  return declareFunction({ name, description, parameters, strict, path: `${path}.parameters` });
}

/** @throws InvalidRequestError */
export function toToolChoice({ tool_choice: choice }: ResponseBody): ToolChoice {
  if (!isSet(choice)) return { type: "auto" };
  if (choice === "none" || choice === "auto" || choice === "required") return { type: choice };
  if (
    typeof choice === "object" &&
    (choice.type === "function" || choice.type === "custom") &&
    typeof choice.name === "string"
  )
    return { type: "tool", name: choice.name };
  throw invalid("tool_choice", 'must be "none", "auto", "required" or {"type": "function", "name": …}');
}
