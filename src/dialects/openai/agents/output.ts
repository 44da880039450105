import type { Agent, AgentTool } from "../../../features/agents/agent.ts";
import type { AgentRow } from "../../../features/agents/agent-table.ts";
import { momentOf } from "../../../features/agents/session/draft.ts";
import type { SessionMoment, WaitingCall } from "../../../features/agents/session/event.ts";
import type { Step } from "../../../features/agents/session/step.ts";
import type { SessionRow } from "../../../features/agents/session/tables.ts";
import type { TokenUse } from "../../../features/agents/session/token-use.ts";
import type { Turn } from "../../../features/agents/session/turn.ts";
import type { ApprovalRow } from "../../../features/agents/sessions.ts";
import { round } from "../../../telemetry/timings.ts";

/** Agents, sessions and turns in the form of OpenAI's Agents API, with this server's extras beside its fields. */

const seconds = (ms: number): number => Math.floor(ms / 1000);

export function describeAgent({ agent, metadata, createdAt, updatedAt }: AgentRow) {
  return {
    ...agentFields(agent),
    object: "agent" as const,
    metadata,
    created_at: seconds(createdAt.getTime()),
    updated_at: seconds(updatedAt.getTime()),
  };
}

/** `moment`: another one than the present. */
export function describeSession(
  row: SessionRow,
  moment: SessionMoment = momentOf(row.state, row.activeAt.getTime()),
) {
  const { id, plan, metadata, createdAt } = row;
  const { limits, approval } = plan;
  return {
    id,
    object: "agent.session" as const,
    agent: agentFields(plan.agent),
    created_at: seconds(createdAt.getTime()),
    last_active_at: seconds(moment.at),
    environment: { type: "none" as const },
    error: null,
    metadata,
    required_actions: moment.waiting.map((call) => requiredAction(call, moment.turnId)),
    status: moment.status,
    usage: describeUsage(moment.usage),
    vault_ids: [],
    review: approval.isUnattended ? ("auto_review" as const) : ("none" as const),
    limits: {
      max_steps: limits.maxSteps,
      max_tool_calls: limits.maxToolCalls,
      max_output_tokens: limits.maxOutputTokens,
      max_total_tokens: limits.maxTotalTokens,
      max_seconds: limits.maxSeconds,
      max_tool_output_tokens: limits.maxToolOutputTokens,
      approval_seconds: limits.approvalSeconds,
    },
    approval: { default: approval.default, tools: approval.tools },
    seed: plan.seed,
  };
}

export function describeTurn(turn: Turn, { id, agentId }: Pick<SessionRow, "id" | "agentId">) {
  const { startedAt, endedAt } = turn;
  return {
    id: turn.id,
    object: "agent.session.turn" as const,
    agent_id: agentId,
    session_id: id,
    subagent_id: null,
    status: turn.status,
    created_at: seconds(turn.createdAt),
    started_at: startedAt === null ? null : seconds(startedAt),
    completed_at: endedAt === null ? null : seconds(endedAt),
    error: turn.error,
    usage: describeUsage(turn.usage),
    incomplete_details: turn.incomplete === null ? null : { reason: turn.incomplete },
    steps: turn.steps,
    tool_calls: turn.toolCalls,
    active_ms: turn.activeMs,
  };
}

export function describeUsage(usage: TokenUse) {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

/** A step of a turn, and what it cost; an extra of this server's. */
export function describeStep(step: Step) {
  const base = {
    id: step.id,
    object: "agent.session.step" as const,
    turn_id: step.turnId,
    step: step.step,
    type: step.type,
    ended_at: step.endedAt / 1000,
    ms: round(step.ms, 1),
  };
  if (step.type === "tool")
    return {
      ...base,
      call_id: step.callId,
      name: step.tool,
      attempts: step.attempts,
      status: step.isError ? "failed" : "completed",
    };
  return {
    ...base,
    usage: describeUsage(step.usage),
    timings: {
      queue_ms: round(step.queueMs, 1),
      prefill_ms: round(step.prefillMs, 1),
      decode_ms: round(step.decodeMs, 1),
    },
  };
}

/** A question in the list of all sessions' questions. */
export function describeApproval(row: ApprovalRow) {
  const { call } = row;
  return {
    id: row.requestId,
    object: "agent.approval" as const,
    session_id: row.sessionId,
    turn_id: row.turnId,
    status: row.status,
    reason: call.reason,
    call_id: call.callId,
    server_label: call.label,
    name: call.tool,
    arguments: parsed(call.arguments),
    effect: call.effect,
    definition_digest: call.definition,
    message: questionMessage(call.reason, call.tool),
    created_at: seconds(row.askedAt.getTime()),
    expires_at: seconds(row.expiresAt.getTime()),
    decided_at: row.decidedAt === null ? null : seconds(row.decidedAt.getTime()),
  };
}

/** What the model wrote as arguments; text where it can't be read. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function requiredAction(call: WaitingCall, turnId: string | null) {
  const given = parsed(call.arguments);
  if (call.status === "client" || call.question === undefined)
    return {
      type: "function_call" as const,
      call_id: call.callId,
      name: call.tool,
      arguments: given,
      turn_id: turnId,
    };
  return {
    type: "mcp_approval_request" as const,
    request_id: call.question.requestId,
    turn_id: turnId,
    request: {
      type: "mcp_tool_call" as const,
      server_label: call.label,
      name: call.tool,
      arguments: given,
      message: questionMessage(call.question.reason, call.tool),
      reason: call.question.reason,
      definition_digest: call.definition,
      expires_at: seconds(call.question.expiresAt),
    },
  };
}

function questionMessage(reason: string, tool: string): string {
  switch (reason) {
    case "interrupted":
      return `A call of ${tool} was interrupted. Whether it took effect is unknown; approving runs it again.`;
    case "redefined":
      return `The tool ${tool} was changed since the model called it. Approving runs it as it is now.`;
    default:
      return `The model wants to call ${tool}.`;
  }
}

function agentFields({ id, name, model, instructions, tools, form, reasoning, temperature, isBatch }: Agent) {
  return {
    id,
    name,
    model: model ?? "default",
    instructions,
    tools: tools.map(describeTool),
    multi_agent: { enabled: false, max_concurrent_subagents: null },
    reasoning: { effort: effortOf(reasoning), summary: null },
    service_tier: isBatch ? ("flex" as const) : ("default" as const),
    text: {
      format: form.type === "text" ? { type: "text" } : { type: "json_schema", schema: form.schema },
      verbosity: "medium" as const,
    },
    temperature,
  };
}

function describeTool(tool: AgentTool): object {
  switch (tool.type) {
    case "function": {
      const { isDeferred = false, ...rest } = tool;
      return { ...rest, defer_loading: isDeferred };
    }
    case "mcp": {
      const { label, allowed, isDeferred = false } = tool;
      return { type: "mcp", server_label: label, allowed_tools: allowed, defer_loading: isDeferred };
    }
    case "code":
      return { type: "code_interpreter" };
    case "file_search":
      return { type: "file_search", vector_store_ids: tool.datasetIds, max_num_results: tool.maxResults };
    default:
      return tool;
  }
}

function effortOf(reasoning: Agent["reasoning"]): string | null {
  if (reasoning === null) return null;
  return reasoning.thinks === false ? "none" : (reasoning.effort ?? null);
}
