import { randomInt } from "node:crypto";
import { Type } from "typebox";
import type { Agent, AgentTool } from "../../features/agents/agent.ts";
import { defaultApproval } from "../../features/agents/approval.ts";
import type { AgentsFeature } from "../../features/agents/create.ts";
import { defaultLimits } from "../../features/agents/limits.ts";
import { statusOf } from "../../features/agents/session/turn.ts";
import type { Sessions } from "../../features/agents/sessions.ts";
import type { McpServers } from "../../features/mcp-servers/servers.ts";
import { newId } from "../../platform/ids.ts";
import { LongText } from "../../platform/schema/text.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { ModelName } from "../model-name.ts";
import type { McpTasks } from "./task.ts";
import { type McpTool, tool } from "./tool.ts";

const Id = Type.String({ minLength: 1, maxLength: 128, format: "text" });
const Session = Type.Object({
  session_id: Type.String(),
  status: Type.String({
    description: "`idle` when it rests, `requires_action` when a person has to decide, else `in_progress`.",
  }),
  answer: Type.Union([Type.String(), Type.Null()], { description: "The last one." }),
  error: Type.Union([Type.String(), Type.Null()], { description: "Why the latest turn failed." }),
  waiting: Type.Array(
    Type.Object({ request_id: Type.String(), tool: Type.String(), arguments: Type.String() }),
    { description: "Calls that wait for a person, who decides them at /v1/agents/approvals." },
  ),
});

export interface AgentToolParts extends Pick<AgentsFeature, "sessions"> {
  readonly models: ServedModels;
  readonly servers: McpServers;
}

/** Agents for other programs. A run that takes longer than a call may goes on by itself, and is asked for again. */
export function agentTools({ sessions, models, servers }: AgentToolParts): readonly McpTool[] {
  return [
    tool({
      name: "run_agent",
      title: "Run an agent",
      description:
        "Gives an agent of this server a task, and waits for its answer. Where that takes longer, it goes on by itself: get_agent tells how far it is.",
      input: Type.Object({
        task: LongText,
        session_id: Type.Optional(Id),
        instructions: Type.Optional(LongText),
        model: Type.Optional(ModelName),
        mcp_servers: Type.Optional(
          Type.Array(Type.String({ maxLength: 64 }), {
            maxItems: 32,
            description: "Labels of the operator's MCP servers whose tools it may use.",
          }),
        ),
        wait_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 600, default: 50 })),
      }),
      output: Session,
      hints: { readOnlyHint: false, idempotentHint: false },
      run: async (input, { signal, cacheScope }) => {
        const { wait_seconds: seconds = 50 } = input;
        const id = await begin(input, cacheScope);
        const deadline = AbortSignal.any([signal, AbortSignal.timeout(1000 * seconds)]);
        await sessions.rest(id, deadline);
        return { structured: await describe(sessions, id) };
      },
      begin: async (input, { cacheScope }) => {
        const taskId = await begin(input, cacheScope);
        return { taskId, answer: { structured: await describe(sessions, taskId) } };
      },
    }),
    tool({
      name: "get_agent",
      title: "Show an agent's run",
      description: "Tells how far a run of an agent is, what it answered, and what waits for a person.",
      input: Type.Object({ session_id: Id }),
      output: Session,
      hints: { readOnlyHint: true, idempotentHint: true },
      run: async ({ session_id: id }) => ({ structured: await describe(sessions, id) }),
    }),
  ];

  async function begin(
    input: {
      task: string;
      session_id?: string;
      instructions?: string;
      model?: string;
      mcp_servers?: readonly string[];
    },
    cacheScope: string | undefined,
  ): Promise<string> {
    if (input.session_id !== undefined) {
      await sessions.put(input.session_id, [{ type: "message", messages: [input.task] }], undefined);
      return input.session_id;
    }
    models.find(input.model);
    for (const label of input.mcp_servers ?? []) servers.connection(label, "mcp_servers");
    const tools: AgentTool[] = (input.mcp_servers ?? []).map((label) => ({
      type: "mcp",
      label,
      allowed: null,
    }));
    const agent: Agent = {
      id: newId("agent_"),
      name: null,
      model: input.model ?? null,
      instructions: input.instructions ?? null,
      tools: [{ type: "calculator" }, { type: "code" }, ...tools],
      form: { type: "text" },
      reasoning: null,
      temperature: 1,
      isBatch: false,
    };
    const row = await sessions.create(
      {
        agent,
        limits: defaultLimits,
        approval: defaultApproval,
        seed: randomInt(2 ** 32),
        cacheScope: cacheScope ?? null,
      },
      {},
      [input.task],
    );
    return row.id;
  }
}

/** How far a session is. */
async function describe(sessions: Sessions, id: string) {
  const row = await sessions.get(id);
  const { entries } = await sessions.items(id, undefined, { limit: 20, order: "desc" });
  const { entries: turns } = await sessions.turns(id, { limit: 1, order: "desc" });
  const answer = entries.find((item) => item.type === "message" && item.role === "assistant");
  return {
    session_id: id,
    status: statusOf(row.state),
    answer: answer?.type === "message" ? answer.text : null,
    error: turns[0]?.error?.message ?? null,
    waiting: (row.state.active?.calls ?? []).flatMap(({ question, tool, arguments: given }) =>
      question === undefined ? [] : [{ request_id: question.requestId, tool, arguments: given }],
    ),
  };
}

/** Runs of agents as tasks, each by the id of its session. */
export function agentTasks(sessions: Sessions): McpTasks {
  return {
    get: async (id) => {
      const { createdAt, activeAt, state } = await sessions.get(id);
      const session = await describe(sessions, id);
      const { entries: turns } = await sessions.turns(id, { limit: 1, order: "desc" });
      const task = { id, createdAt, changedAt: activeAt };
      if (statusOf(state) === "in_progress") return { ...task, state: { type: "working" } };
      if (statusOf(state) === "requires_action") {
        const questions = session.waiting.map(
          ({ request_id: request, tool, arguments: given }) =>
            [request, `An agent wants to call ${tool} with ${given}. May it?`] as const,
        );
        return { ...task, state: { type: "asking", questions: new Map(questions) } };
      }
      const [turn] = turns;
      if (turn?.status === "cancelled") return { ...task, state: { type: "cancelled" } };
      if (turn?.status === "failed")
        return { ...task, state: { type: "failed", message: turn.error?.message ?? "The turn failed." } };
      return { ...task, state: { type: "completed", answer: { structured: session } } };
    },
    answer: async (id, decisions) => {
      const { waiting } = await describe(sessions, id);
      for (const { request_id: requestId } of waiting) {
        const decision = decisions.get(requestId);
        if (decision !== undefined)
          await sessions.put(id, [{ type: "decision", requestId, decision, remember: false }], undefined);
      }
    },
    cancel: (id) => sessions.put(id, [{ type: "cancel" }], undefined),
  };
}
