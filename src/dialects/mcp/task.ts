import type { ClientCapabilities } from "@modelcontextprotocol/server";
import type { ToolAnswer } from "./tool.ts";

/** A call that goes on by itself, as the extension `io.modelcontextprotocol/tasks` has it. */
export interface McpTask {
  readonly id: string;
  readonly createdAt: Date;
  readonly changedAt: Date;
  readonly state:
    | { readonly type: "working" }
    /** Waits for answers to questions, by their ids. */
    | { readonly type: "asking"; readonly questions: ReadonlyMap<string, string> }
    | { readonly type: "completed"; readonly answer: ToolAnswer }
    | { readonly type: "failed"; readonly message: string }
    | { readonly type: "cancelled" };
}

/** The tasks of a server. Those whose ids are unknown throw ApiError `not_found`. */
export interface McpTasks {
  get(id: string): Promise<McpTask>;
  /** Answers questions by their ids. Those that are no longer open are passed over. */
  answer(id: string, decisions: ReadonlyMap<string, "approve" | "deny">): Promise<void>;
  cancel(id: string): Promise<void>;
}

export const TASKS = "io.modelcontextprotocol/tasks";
/** How often clients had best ask. */
const POLL_MS = 1_000;

/** Whether a request's client knows tasks, by the metadata that it sends. */
export function knowsTasks(capabilities: ClientCapabilities | undefined): boolean {
  return capabilities?.extensions?.[TASKS] !== undefined;
}

/** A task as its client is told of it; one whose client can't be asked waits for a person elsewhere. */
export function describeTask(
  { id, createdAt, changedAt, state }: McpTask,
  capabilities: ClientCapabilities | undefined,
): Record<string, unknown> {
  const base = {
    taskId: id,
    createdAt: createdAt.toISOString(),
    lastUpdatedAt: changedAt.toISOString(),
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
  switch (state.type) {
    case "working":
    case "cancelled":
      return { ...base, status: state.type };
    case "asking":
      if (capabilities?.elicitation === undefined)
        return {
          ...base,
          status: "working",
          statusMessage: "A person has to decide on a call, at /v1/agents/approvals.",
        };
      return {
        ...base,
        status: "input_required",
        inputRequests: Object.fromEntries(
          [...state.questions].map(([question, message]) => [question, elicitation(message)]),
        ),
      };
    case "completed":
      return { ...base, status: "completed", result: { ...toResult(state.answer), resultType: "complete" } };
    case "failed":
      // -32603: JSON-RPC's internal error.
      return { ...base, status: "failed", error: { code: -32_603, message: state.message } };
  }
}

/** What a client's answers to `elicitation` say; those that say nothing are left out. */
export function toDecisions(responses: Readonly<Record<string, unknown>>): Map<string, "approve" | "deny"> {
  const decisions = new Map<string, "approve" | "deny">();
  for (const [question, response] of Object.entries(responses)) {
    const { action, content } = (response ?? {}) as {
      readonly action?: unknown;
      readonly content?: { readonly decision?: unknown };
    };
    if (action === "decline") decisions.set(question, "deny");
    if (action !== "accept") continue;
    if (content?.decision === "approve" || content?.decision === "deny")
      decisions.set(question, content.decision);
  }
  return decisions;
}

/** A tool's answer in the form of MCP. */
export function toResult({ structured, text = JSON.stringify(structured) }: ToolAnswer) {
  return {
    content: [{ type: "text" as const, text }],
    structuredContent: structured as Record<string, unknown>,
  };
}

function elicitation(message: string) {
  return {
    method: "elicitation/create",
    params: {
      mode: "form",
      message,
      requestedSchema: {
        type: "object",
        properties: { decision: { type: "string", enum: ["approve", "deny"] } },
        required: ["decision"],
      },
    },
  };
}
