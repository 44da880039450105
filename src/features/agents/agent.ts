import type { ReasoningWish } from "../../assistant/template/reasoning-wish.ts";
import type { ApprovalPolicy } from "./approval.ts";
import type { Limits } from "./limits.ts";

/** A tool as an agent has it. */
export type AgentTool =
  /** The client runs it. */
  | {
      readonly type: "function";
      readonly name: string;
      readonly description: string;
      readonly parameters: Readonly<Record<string, unknown>>;
      /** The model is told of it only when it searches for it. */
      readonly isDeferred?: boolean;
    }
  /** One of this server's own. */
  | { readonly type: "calculator" }
  | { readonly type: "code" }
  | { readonly type: "fetch" }
  | { readonly type: "file_search"; readonly datasetIds: readonly string[]; readonly maxResults: number }
  /** Those of an MCP server of the operator's; all that it has where none are named. */
  | {
      readonly type: "mcp";
      readonly label: string;
      readonly allowed: readonly string[] | null;
      readonly isDeferred?: boolean;
    }
  | { readonly type: "tool_search" };

export type AgentForm =
  | { readonly type: "text" }
  | { readonly type: "schema"; readonly schema: Readonly<Record<string, unknown>> };

/** What works: a model, what it is told, and what it may use. */
export interface Agent {
  readonly id: string;
  readonly name: string | null;
  /** The first one where it is null. */
  readonly model: string | null;
  readonly instructions: string | null;
  readonly tools: readonly AgentTool[];
  readonly form: AgentForm;
  readonly reasoning: ReasoningWish | null;
  readonly temperature: number;
  /** Takes part in the batch lane. */
  readonly isBatch: boolean;
}

/** What of a session is fixed when it is made. */
export interface SessionPlan {
  readonly agent: Agent;
  readonly limits: Limits;
  readonly approval: ApprovalPolicy;
  /** Each step draws by a seed that follows from this one. */
  readonly seed: number;
  /** Of whoever made it: what its steps leave in the KV cache is for the same scope. */
  readonly cacheScope: string | null;
}
