import type { DeclaredTool } from "../../../assistant/formats/call-expressions.ts";
import type { ToolChoice } from "../../../assistant/turn.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import { declareFunction } from "../../declared-function.ts";
import type { Note } from "../../notes.ts";
import { declareCustom } from "../custom-tools.ts";
import { type CallForm, functionCall, toolCalls } from "./calls.ts";
import type { ChatCompletionBody, RequestFunction } from "./schema.ts";

export interface Tools {
  readonly declared: readonly DeclaredTool[];
  /** How the client reads calls of them. */
  readonly calls: CallForm;
}

/** The tools that the model may call, also those of the field `functions` that came before `tools`. */
export function toTools({ tools, functions }: ChatCompletionBody, notes: Note[]): Tools {
  const custom = new Set<string>();
  const declared = (tools ?? []).flatMap((tool, index) => {
    const path = `tools[${index}]`;
    if (tool.function !== undefined) return [toTool(tool.function, `${path}.function`)];
    if (tool.custom !== undefined) {
      const { name, description, format } = tool.custom;
      custom.add(name);
      return [declareCustom({ name, description, syntax: format?.grammar?.definition, path })];
    }
    if (tool.type === "function" || tool.type === "custom")
      throw invalid(`${path}.${tool.type}`, "is required");
    notes.push({ param: path, reason: `this server has no ${tool.type} tool: the model is not told of it` });
    return [];
  });
  const older = (functions ?? []).map((one, index) => toTool(one, `functions[${index}]`));
  return {
    declared: [...declared, ...older],
    calls: older.length > 0 && declared.length === 0 ? functionCall : toolCalls((name) => custom.has(name)),
  };
}

function toTool({ name, description, parameters, strict }: RequestFunction, path: string): DeclaredTool {
  return declareFunction({ name, description, parameters, strict, path: `${path}.parameters` });
}

/** @throws InvalidRequestError */
export function toToolChoice({ tool_choice, function_call }: ChatCompletionBody): ToolChoice {
  const choice = tool_choice ?? function_call;
  if (!isSet(choice)) return { type: "auto" };
  if (choice === "none" || choice === "auto" || choice === "required") return { type: choice };
  const { function: named, custom, name } = typeof choice === "object" ? choice : {};
  const wanted = named?.name ?? custom?.name ?? name;
  if (typeof wanted === "string") return { type: "tool", name: wanted };
  throw invalid(
    "tool_choice",
    'must be "none", "auto", "required" or {"type": "function", "function": {"name": …}}',
  );
}
