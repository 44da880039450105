import type { DeclaredTool } from "../../../assistant/formats/call-expressions.ts";
import type { ApprovalRule, Effect } from "../approval.ts";

/** Facts that every run of a tool is given. */
export interface ToolContext {
  /** The same each time that one call is run: a key for tools that do a thing once. */
  readonly callId: string;
  readonly signal: AbortSignal;
  /** Whether the user, or an output before, had this text in it. */
  readonly isShown: (text: string) => Promise<boolean>;
}

/** A tool that runs here. */
export interface ServerTool {
  readonly declared: DeclaredTool;
  /** Whose it is. */
  readonly label: string;
  readonly effect: Effect;
  /** What the operator says of it. */
  readonly approval?: ApprovalRule | undefined;
  /** The model is told of it only when it searches for it. */
  readonly isDeferred?: boolean;
  /** @returns what the model reads. @throws ApiError in words for the model */
  readonly run: (given: Readonly<Record<string, unknown>>, context: ToolContext) => Promise<string>;
}

/** The label of tools that are this server's own. */
const OWN = "llm-server";

/** What no call of a tool of this server's own can be without. */
export function ownTool(
  { name, description, properties }: OwnTool,
  effect: Effect,
  run: ServerTool["run"],
): ServerTool {
  const parameters = {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
  return {
    declared: { name, description, parameters, strict: true, path: `tools.${name}` },
    label: OWN,
    effect,
    run,
  };
}

interface OwnTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schemas of its arguments, all of them required. */
  readonly properties: Readonly<Record<string, object>>;
}
