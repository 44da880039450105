import type { Agent, AgentForm, AgentTool, SessionPlan } from "../../../features/agents/agent.ts";
import { type ApprovalPolicy, defaultApproval } from "../../../features/agents/approval.ts";
import { defaultLimits, type Limits } from "../../../features/agents/limits.ts";
import type { Input } from "../../../features/agents/sessions.ts";
import type { Toolbox } from "../../../features/agents/tools/toolbox.ts";
import type { McpServers } from "../../../features/mcp-servers/servers.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid, textOf } from "../../content.ts";
import type { Note } from "../../notes.ts";
import { checkServer } from "../named-server.ts";
import type { AgentBody, AgentChange, InlineAgent, InputEvent, SessionBody, ToolBody } from "./schema.ts";

/** What agents may be given here. */
export interface Offered {
  readonly servers: McpServers;
  readonly toolbox: Toolbox;
}

/** What of an agent a body says. @throws ApiError naming what can't be honoured */
export function toAgent(
  body: (AgentBody | InlineAgent) & { readonly name?: string | null },
  id: string,
  offered: Offered,
  path = "",
): Agent {
  if (body.multi_agent?.enabled === true)
    throw invalid(`${path}multi_agent.enabled`, "can't be true: agents have no subagents here");
  return {
    id,
    name: body.name ?? null,
    model: body.model ?? null,
    instructions: body.instructions ?? null,
    tools: toTools(body.tools ?? [], offered, `${path}tools`),
    form: toForm(body.text, `${path}text.format.schema`),
    reasoning: toReasoning(body.reasoning?.effort),
    temperature: body.temperature ?? 1,
    isBatch: body.service_tier === "flex",
  };
}

/** An agent with what a body changes of it. */
export function changedAgent(agent: Agent, body: AgentChange, offered: Offered): Agent {
  const changed = toAgent({ ...body, model: body.model ?? agent.model }, agent.id, offered);
  const kept = (field: keyof AgentChange) => body[field] === undefined;
  return {
    ...changed,
    ...(kept("name") && { name: agent.name }),
    ...(kept("instructions") && { instructions: agent.instructions }),
    ...(kept("tools") && { tools: agent.tools }),
    ...(kept("text") && { form: agent.form }),
    ...(kept("reasoning") && { reasoning: agent.reasoning }),
    ...(kept("temperature") && { temperature: agent.temperature }),
    ...(kept("service_tier") && { isBatch: agent.isBatch }),
  };
}

export interface SessionFacts {
  readonly agent: Agent;
  readonly cacheScope: string | undefined;
  readonly randomSeed: () => number;
}

/** @throws InvalidRequestError naming what can't be honoured */
export function toPlan(body: SessionBody, { agent, cacheScope, randomSeed }: SessionFacts): SessionPlan {
  const { environment, spend_control: spending, vault_ids: vaults } = body;
  if (environment.type !== "none")
    throw invalid("environment.type", 'must be "none": this server has no machines for agents');
  if (isSet(spending?.limit))
    throw invalid(
      "spend_control.limit",
      "is in money, and this server has no prices: use limits.max_total_tokens",
    );
  if (isSet(vaults) && vaults.length > 0) throw invalid("vault_ids", "this server has no vaults");
  return {
    agent,
    limits: toLimits(body),
    approval: toPolicy(body),
    seed: body.seed ?? randomSeed(),
    cacheScope: cacheScope ?? null,
  };
}

/** Texts of the messages that a session begins with. */
export function toMessages(input: SessionBody["input"], path: string): readonly string[] {
  if (!isSet(input) || input.length === 0) return [];
  if (typeof input === "string") return [input];
  return input.map(({ content }, index) => {
    const notes: Note[] = [];
    return textOf(content, `${path}[${index}].content`, { media: "refused", notes });
  });
}

/** @throws InvalidRequestError naming what an event lacks */
export function toInputs(events: readonly InputEvent[]): readonly Input[] {
  return events.map((event, index) => toInput(event, `events[${index}]`));
}

function toInput(event: InputEvent, path: string): Input {
  switch (event.type) {
    case "agent.session.input.cancel":
      return { type: "cancel" };
    case "agent.session.input.message": {
      if (event.input === undefined) throw invalid(`${path}.input`, "is required");
      return { type: "message", messages: toMessages(event.input, `${path}.input`) };
    }
    case "agent.session.input.tool_result": {
      const { call_id: callId, success, output, error } = event;
      if (callId === undefined) throw invalid(`${path}.call_id`, "is required");
      if (success === undefined) throw invalid(`${path}.success`, "is required");
      const text = isSet(output) ? textOf(output, `${path}.output`, { media: "refused", notes: [] }) : "";
      const outcome = success
        ? { output: text, error: null }
        : { output: null, error: error ?? (text === "" ? "The function failed." : text) };
      return { type: "result", callId, outcome };
    }
    case "agent.session.input.mcp_approval_request_result": {
      const { request_id: requestId, response } = event;
      if (requestId === undefined) throw invalid(`${path}.request_id`, "is required");
      if (response === undefined) throw invalid(`${path}.response`, "is required");
      return {
        type: "decision",
        requestId,
        decision: response.decision,
        remember: response.remember === "session",
      };
    }
  }
}

function toTools(tools: readonly ToolBody[], offered: Offered, path: string): readonly AgentTool[] {
  const names = new Set<string>();
  return tools.flatMap((body, index) => {
    const at = `${path}[${index}]`;
    const tool = toTool(body, offered, at);
    if (tool === undefined) return [];
    const refusal = offered.toolbox.refusal(tool);
    if (refusal !== undefined) throw invalid(at, refusal);
    const name = nameOf(tool);
    if (names.has(name)) throw invalid(at, `there are two tools ${JSON.stringify(name)}`);
    names.add(name);
    return tool;
  });
}

/** No agent has two tools of it. */
function nameOf(tool: AgentTool): string {
  if (tool.type === "function") return tool.name;
  return tool.type === "mcp" ? `${tool.label}__` : tool.type;
}

/** Undefined where there is nothing to be had, and nothing lost. */
function toTool(tool: ToolBody, { servers }: Offered, path: string): AgentTool | undefined {
  const { type, name, description, parameters } = tool;
  const deferral = tool.defer_loading === true ? { isDeferred: true } : {};
  switch (type) {
    case "function":
      if (name === undefined) throw invalid(`${path}.name`, "is required");
      if (tool.async === true) throw invalid(`${path}.async`, "can't be true: the model waits for results");
      return {
        type: "function",
        name,
        description: description ?? "",
        parameters: parameters ?? { type: "object", properties: {}, additionalProperties: false },
        ...deferral,
      };
    case "calculator":
    case "fetch":
    case "tool_search":
      return { type };
    case "code_interpreter":
      return { type: "code" };
    case "file_search":
      if (tool.vector_store_ids === undefined)
        throw invalid(`${path}.vector_store_ids`, "is required: the ids of datasets");
      return {
        type: "file_search",
        datasetIds: tool.vector_store_ids,
        maxResults: tool.max_num_results ?? 5,
      };
    case "mcp": {
      const { server_label: label, transport, allowed_tools: allowed } = tool;
      if (label === undefined) throw invalid(`${path}.server_label`, "is required");
      if (transport?.type === "stdio")
        throw invalid(`${path}.transport`, "can't be stdio: programs are started only from MCP_SERVERS_FILE");
      checkServer(servers, { label, url: transport?.server_url }, { path, urlPath: `${path}.transport` });
      return { type: "mcp", label, allowed: allowed ?? null, ...deferral };
    }
    case "programmatic_tool_calling":
      if (tool.enabled !== false) throw invalid(path, "this server has no programmatic tool calling");
      return undefined;
    case "web_search":
      if (tool.mode !== "disabled") throw invalid(path, "this server does not search the web");
      return undefined;
    default:
      throw invalid(`${path}.type`, `this server has no ${type.slice(0, 50)} tool`);
  }
}

function toForm(text: AgentBody["text"], path: string): AgentForm {
  const format = text?.format;
  if (!isSet(format) || format.type === "text") return { type: "text" };
  if (format.schema === undefined) throw invalid(path, "is required");
  return { type: "schema", schema: format.schema };
}

function toReasoning(effort: string | null | undefined): Agent["reasoning"] {
  if (!isSet(effort)) return null;
  return effort === "none" ? { thinks: false } : { thinks: true, effort };
}

function toLimits({ limits }: SessionBody): Limits {
  if (!isSet(limits)) return defaultLimits;
  return {
    maxSteps: limits.max_steps ?? defaultLimits.maxSteps,
    maxToolCalls: limits.max_tool_calls ?? defaultLimits.maxToolCalls,
    maxOutputTokens: limits.max_output_tokens ?? defaultLimits.maxOutputTokens,
    maxTotalTokens: limits.max_total_tokens ?? defaultLimits.maxTotalTokens,
    maxSeconds: limits.max_seconds ?? defaultLimits.maxSeconds,
    maxToolOutputTokens: limits.max_tool_output_tokens ?? defaultLimits.maxToolOutputTokens,
    approvalSeconds: limits.approval_seconds ?? defaultLimits.approvalSeconds,
  };
}

function toPolicy({ approval, review }: SessionBody): ApprovalPolicy {
  return {
    default: approval?.default ?? defaultApproval.default,
    tools: approval?.tools ?? defaultApproval.tools,
    isUnattended: review === "auto_review",
  };
}
