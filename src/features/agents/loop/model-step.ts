import type { Turn, TurnEnd } from "../../../assistant/turn.ts";
import { UnavailableError } from "../../../errors.ts";
import { monotonicMs } from "../../../platform/clock.ts";
import { digestOf } from "../../../platform/digest.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import type { ServedModels } from "../../../serving/served-models.ts";
import { RequestAccount } from "../../../telemetry/request-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import type { SessionPlan } from "../agent.ts";
import { LAST_ANSWER_TOKENS, type LimitReason } from "../limits.ts";
import type { Item } from "../session/item.ts";
import { timeLeftMs } from "../session/planner.ts";
import type { MadeCall, StepResult } from "../session/steps.ts";
import { noTokens } from "../session/token-use.ts";
import type { ActiveTurn } from "../session/turn.ts";
import type { ServerTool } from "../tools/server-tool.ts";
import { declaredTools } from "../tools/tool-search.ts";
import { definitionOf } from "../tools/toolbox.ts";
import { AnswerItems } from "./answer-items.ts";
import type { Teller } from "./teller.ts";
import { toMessages } from "./transcript.ts";

export interface ModelStep {
  readonly models: ServedModels;
  readonly plan: SessionPlan;
  readonly active: ActiveTurn;
  readonly items: readonly Item[];
  readonly tools: ReadonlyMap<string, ServerTool>;
  readonly teller: Teller;
  readonly newId: (prefix: string) => string;
  /** Ends the step without a result. */
  readonly signal: AbortSignal;
}

/** Has the model make its next answer, within what the turn may still use. @throws ApiError */
export async function answer(step: ModelStep): Promise<StepResult> {
  const { models, plan, active, signal } = step;
  const begunAt = monotonicMs();
  using lease = await models.leaseNamed(plan.agent.model, { signal });
  const turn = toTurn(step);
  const room = await roomFor(step, turn, lease.model);
  if (room.tokens <= 0) return nothing(active, room.reason);
  const deadline = AbortSignal.timeout(timeLeftMs({ plan, state: { active } }));
  const account = new RequestAccount();
  const context: RequestContext = {
    requestId: active.turn.id,
    arrivedAt: begunAt,
    signal: AbortSignal.any([signal, deadline]),
    account,
    ...(plan.agent.isBatch && { lane: "batch" }),
    ...(plan.cacheScope !== null && { cacheScope: plan.cacheScope }),
  };
  const { assistant } = lease.model;
  const planned = await assistant.plan({ ...turn, maxTokens: room.tokens }, signal);
  const made = new AnswerItems(
    {
      turnId: active.turn.id,
      step: active.turn.steps + 1,
      firstIndex: active.nextIndex,
      newId: step.newId,
    },
    (event) => step.teller.tell(event),
  );
  let end: TurnEnd | undefined;
  for await (const event of assistant.answer(planned, 0, context)) {
    if (event.type === "done") end = event;
    else made.take(event);
  }
  signal.throwIfAborted();
  if (end === undefined) throw new UnavailableError("cancelled", "The answer ended early.");
  const cut = cutOf(end, deadline, room.reason);
  made.end(cut !== null);
  return {
    events: await step.teller.rest(),
    items: made.items,
    calls: made.calls.map((call) => withTool(call, step)),
    nextIndex: made.nextIndex,
    isMade: true,
    usage: {
      inputTokens: end.usage.promptTokens,
      cachedTokens: end.usage.cachedPromptTokens,
      outputTokens: end.usage.completionTokens,
      reasoningTokens: end.usage.reasoningTokens,
    },
    timings: {
      queueMs: end.timings.queueMs,
      prefillMs: end.timings.prefillMs,
      decodeMs: end.timings.decodeMs,
      ms: monotonicMs() - begunAt,
    },
    cut,
  };
}

function toTurn({ plan, active, items, tools }: ModelStep): Turn {
  const { agent, seed } = plan;
  const drawn = Number.parseInt(digestOf([seed, active.turn.id, active.turn.steps]).slice(0, 8), 16);
  return {
    messages: toMessages(agent.instructions, items),
    tools: declaredTools(agent.tools, tools, items),
    toolChoice: { type: active.ending === null ? "auto" : "none" },
    parallelToolCalls: true,
    form:
      agent.form.type === "text"
        ? { type: "text" }
        : { type: "schema", schema: agent.form.schema, path: "agent.text.format.schema" },
    sampling: { temperature: agent.temperature, seed: drawn },
    stop: [],
    ...(agent.reasoning !== null && { reasoning: agent.reasoning }),
  };
}

interface Room {
  readonly tokens: number;
  /** The limit that ends an answer of so many tokens. */
  readonly reason: LimitReason;
}

/** Tokens that the answer may have. */
async function roomFor({ plan, active, signal }: ModelStep, turn: Turn, model: ServedModel): Promise<Room> {
  if (active.ending !== null) return { tokens: LAST_ANSWER_TOKENS, reason: active.ending };
  const { usage } = active.turn;
  const output = plan.limits.maxOutputTokens - usage.outputTokens;
  const total = plan.limits.maxTotalTokens - usage.inputTokens - usage.outputTokens;
  const byOutput: Room = { tokens: output, reason: "max_output_tokens" };
  const { assistant, engine } = model;
  // The prompt's length matters only where the limit is near.
  if (total >= engine.describe().contextWindow + output) return byOutput;
  const prompt = (await engine.tokenize(assistant.render(turn), signal)).length;
  return total - prompt < output ? { tokens: total - prompt, reason: "max_total_tokens" } : byOutput;
}

function cutOf(end: TurnEnd, deadline: AbortSignal, reason: LimitReason): LimitReason | null {
  if (deadline.aborted) return "max_seconds";
  if (end.finishReason !== "length") return null;
  return end.windowFull === true ? "context_window" : reason;
}

function withTool(
  { callId, tool, arguments: given }: { callId: string; tool: string; arguments: string },
  { tools, plan }: ModelStep,
): MadeCall {
  const server = tools.get(tool);
  const base = { callId, tool, arguments: given };
  if (server !== undefined) {
    const { label, effect, approval } = server;
    return { ...base, server: { label, effect, approval }, definition: definitionOf(server) };
  }
  const declared = plan.agent.tools.find((each) => each.type === "function" && each.name === tool);
  return { ...base, server: undefined, definition: digestOf(declared ?? tool) };
}

function nothing(active: ActiveTurn, cut: LimitReason): StepResult {
  const { nextIndex } = active;
  const timings = { queueMs: 0, prefillMs: 0, decodeMs: 0, ms: 0 };
  return { events: [], items: [], calls: [], nextIndex, isMade: false, usage: noTokens, timings, cut };
}
