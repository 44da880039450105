import { randomInt } from "node:crypto";
import { Type } from "typebox";
import type { Agent, AgentTool } from "../../features/agents/agent.ts";
import type { AgentsFeature } from "../../features/agents/create.ts";
import { defaultLimits } from "../../features/agents/limits.ts";
import { statusOf } from "../../features/agents/session/turn.ts";
import { LongText } from "../../platform/schema/text.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { ModelName } from "../model-name.ts";
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

export interface AgentToolParts extends Pick<AgentsFeature, "sessions" | "newId"> {
  readonly models: ServedModels;
}

/** Agents for other programs. A run that takes longer than a call may goes on by itself, and is asked for again. */
export function agentTools({ sessions, models, newId }: AgentToolParts): readonly McpTool[] {
  async function describe(id: string) {
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
        const { task, wait_seconds: seconds = 50 } = input;
        const id = input.session_id ?? (await begin(input, cacheScope));
        if (input.session_id !== undefined)
          await sessions.put(id, [{ type: "message", messages: [task] }], undefined);
        const deadline = AbortSignal.any([signal, AbortSignal.timeout(1000 * seconds)]);
        const { nextEvent, state } = await sessions.get(id);
        if (statusOf(state) === "in_progress")
          for await (const { event } of sessions.follow(id, nextEvent, deadline))
            if (event.type === "status" && event.status !== "in_progress") break;
        return { structured: await describe(id) };
      },
    }),
    tool({
      name: "get_agent",
      title: "Show an agent's run",
      description: "Tells how far a run of an agent is, what it answered, and what waits for a person.",
      input: Type.Object({ session_id: Id }),
      output: Session,
      hints: { readOnlyHint: true, idempotentHint: true },
      run: async ({ session_id: id }) => ({ structured: await describe(id) }),
    }),
  ];

  async function begin(
    input: { task: string; instructions?: string; model?: string; mcp_servers?: readonly string[] },
    cacheScope: string | undefined,
  ): Promise<string> {
    models.find(input.model);
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
        approval: { default: "ask_unless_read_only", tools: {}, isUnattended: false },
        seed: randomInt(2 ** 32),
        cacheScope: cacheScope ?? null,
      },
      {},
      [input.task],
    );
    return row.id;
  }
}
