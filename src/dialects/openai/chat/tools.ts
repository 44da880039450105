import type { DeclaredTool } from "../../../assistant/formats/call-expressions.ts";
import type { ToolChoice } from "../../../assistant/turn.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import type { Note } from "../../notes.ts";
import type { ChatCompletionBody, RequestFunction } from "./schema.ts";

/** The functions that the model is told of, also those of the field `functions` that came before `tools`. */
export function toTools({ tools, functions }: ChatCompletionBody, notes: Note[]): readonly DeclaredTool[] {
  const declared = (tools ?? []).flatMap(({ type, function: declaration }, index) => {
    if (declaration !== undefined) return [toTool(declaration, `tools[${index}].function`)];
    if (type === "function") throw invalid(`tools[${index}].function`, "is required");
    notes.push({
      param: `tools[${index}]`,
      reason: `this server has no ${type} tool: the model is not told of it`,
    });
    return [];
  });
  return [...declared, ...(functions ?? []).map((one, index) => toTool(one, `functions[${index}]`))];
}

function toTool({ name, description, parameters, strict }: RequestFunction, path: string): DeclaredTool {
  return {
    name,
    ...(isSet(description) && { description }),
    parameters: parameters ?? noParameters,
    strict: strict ?? false,
    path: `${path}.parameters`,
  };
}

/** What a function without a schema takes. */
const noParameters = { type: "object", properties: {}, additionalProperties: false };

/** @throws InvalidRequestError */
export function toToolChoice({ tool_choice, function_call }: ChatCompletionBody): ToolChoice {
  const choice = tool_choice ?? function_call;
  if (!isSet(choice)) return { type: "auto" };
  if (choice === "none" || choice === "auto" || choice === "required") return { type: choice };
  const { function: named, name } = typeof choice === "object" ? choice : {};
  const wanted = named?.name ?? name;
  if (typeof wanted === "string") return { type: "tool", name: wanted };
  throw invalid(
    "tool_choice",
    'must be "none", "auto", "required" or {"type": "function", "function": {"name": …}}',
  );
}
