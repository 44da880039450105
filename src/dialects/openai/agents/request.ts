import type { Agent, AgentForm, AgentTool, SessionPlan } from "../../../features/agents/agent.ts";
import type { ApprovalPolicy } from "../../../features/agents/approval.ts";
import { defaultLimits, type Limits } from "../../../features/agents/limits.ts";
import type { Input } from "../../../features/agents/sessions.ts";
import type { Toolbox } from "../../../features/agents/tools/toolbox.ts";
import type { McpServers } from "../../../features/mcp-servers/servers.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid, textOf } from "../../content.ts";
import type { Note } from "../../notes.ts";
import type { AgentBody, AgentChange, InlineAgent, InputEvent, SessionBody, ToolBody } from "./schema.ts";

/** What of an agent a body says. @throws InvalidRequestError naming what can't be honoured */
export function toAgent(
  body: (AgentBody | InlineAgent) & { readonly name?: string | null },
  id: string,
  path = "",
): Agent {
  if (body.multi_agent?.enabled === true)
    throw invalid(`${path}multi_agent.enabled`, "can't be true: agents have no subagents here");
  return {
    id,
    name: body.name ?? null,
    model: body.model ?? null,
    instructions: body.instructions ?? null,
    tools: toTools(body.tools ?? [], `${path}tools`),
    form: toForm(body.text, `${path}text.format.schema`),
    reasoning: toReasoning(body.reasoning?.effort),
    temperature: body.temperature ?? 1,
    isBatch: body.service_tier === "flex",
  };
}

/** An agent with what a body changes of it. */
export function changedAgent(agent: Agent, body: AgentChange): Agent {
  const changed = toAgent({ ...body, model: body.model ?? agent.model }, agent.id);
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

function toTools(tools: readonly ToolBody[], path: string): readonly AgentTool[] {
  const names = new Set<string>();
  return tools.flatMap((tool, index) => {
    const made = toTool(tool, `${path}[${index}]`);
    for (const each of made) {
      const name = nameOf(each);
      if (names.has(name)) throw invalid(`${path}[${index}]`, `there are two tools ${JSON.stringify(name)}`);
      names.add(name);
    }
    return made;
  });
}

/** No agent has two tools of it. */
function nameOf(tool: AgentTool): string {
  if (tool.type === "function") return tool.name;
  return tool.type === "mcp" ? `${tool.label}__` : tool.type;
}

/**
 * Servers are the operator's: a request names one by its label and starts none.
 * @throws ApiError naming the field
 */
export function checkTools(
  tools: readonly ToolBody[],
  { servers, toolbox }: { readonly servers: McpServers; readonly toolbox: Toolbox },
  path: string,
): void {
  for (const [index, tool] of tools.entries())
    for (const each of toTool(tool, `${path}[${index}]`)) {
      const refusal = toolbox.refusal(each);
      if (refusal !== undefined) throw invalid(`${path}[${index}]`, refusal);
    }
  for (const [index, { type, server_label: label, transport }] of tools.entries()) {
    if (type !== "mcp" || label === undefined) continue;
    const at = `${path}[${index}]`;
    if (transport?.type === "stdio")
      throw invalid(`${at}.transport`, "can't be stdio: programs are started only from MCP_SERVERS_FILE");
    const { entry } = servers.connection(label, `${at}.server_label`);
    const url = transport?.server_url;
    if (url !== undefined && (!("url" in entry) || url !== entry.url))
      throw invalid(`${at}.transport.server_url`, `is not the one that MCP_SERVERS_FILE has for ${label}`);
  }
}

function toTool(tool: ToolBody, path: string): readonly AgentTool[] {
  const { type, name, description, parameters } = tool;
  switch (type) {
    case "function":
      if (name === undefined) throw invalid(`${path}.name`, "is required");
      if (tool.async === true) throw invalid(`${path}.async`, "can't be true: the model waits for results");
      return [
        {
          type: "function",
          name,
          description: description ?? "",
          parameters: parameters ?? { type: "object", properties: {}, additionalProperties: false },
        },
      ];
    case "calculator":
      return [{ type: "calculator" }];
    case "code_interpreter":
      return [{ type: "code" }];
    case "fetch":
      return [{ type: "fetch" }];
    case "file_search":
      if (tool.vector_store_ids === undefined)
        throw invalid(`${path}.vector_store_ids`, "is required: the ids of datasets");
      return [
        { type: "file_search", datasetIds: tool.vector_store_ids, maxResults: tool.max_num_results ?? 5 },
      ];
    case "mcp":
      if (tool.server_label === undefined) throw invalid(`${path}.server_label`, "is required");
      return [{ type: "mcp", label: tool.server_label, allowed: tool.allowed_tools ?? null }];
    // All tools are declared, so that there is nothing to search for.
    case "tool_search":
      return [];
    case "programmatic_tool_calling":
      if (tool.enabled !== false) throw invalid(path, "this server has no programmatic tool calling");
      return [];
    case "web_search":
      if (tool.mode !== "disabled") throw invalid(path, "this server does not search the web");
      return [];
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
    default: approval?.default ?? "ask_unless_read_only",
    tools: approval?.tools ?? {},
    isUnattended: review === "auto_review",
  };
}
