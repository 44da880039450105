import { type ApprovalRule, type Effect, needsApproval } from "../approval.ts";
import type { LimitReason } from "../limits.ts";
import { ask, closeStep, itemOf, resumeCalls, settleCall } from "./calls.ts";
import type { Draft } from "./draft.ts";
import type { SessionEvent } from "./event.ts";
import type { Item, Outcome } from "./item.ts";
import { addTokens, type TokenUse } from "./token-use.ts";
import type { Call } from "./turn.ts";
import { closeTold, complete, type Told } from "./turns.ts";

/** What one answer of the model was. */
export interface StepResult {
  /** What was not told of it yet. */
  readonly events: readonly SessionEvent[];
  /** What it said and thought. */
  readonly items: readonly Item[];
  readonly calls: readonly MadeCall[];
  readonly nextIndex: number;
  /** False where a limit left no room for it. */
  readonly isMade: boolean;
  readonly usage: TokenUse;
  readonly timings: StepTimings;
  /** A limit that cut it short. */
  readonly cut: LimitReason | null;
}

/** Milliseconds of an answer. */
export interface StepTimings {
  readonly queueMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly ms: number;
}

/** A call as the model made it. */
export interface MadeCall {
  readonly callId: string;
  readonly tool: string;
  readonly arguments: string;
  /** Of the server's own tools; undefined for functions. */
  readonly server:
    | { readonly label: string; readonly effect: Effect; readonly approval?: ApprovalRule | undefined }
    | undefined;
  readonly definition: string;
}

/** Takes a session up where an earlier process left it. */
export function resume(draft: Draft, told: Told): void {
  if (draft.state.active === null) return;
  closeTold(draft, told);
  resumeCalls(draft);
  // The time since then was not spent at work.
  draft.set({ activeSince: draft.at });
}

/** Takes an answer of the model. Without calls it is the turn's. */
export function settleStep(draft: Draft, result: StepResult): void {
  const isLast = draft.active.ending !== null;
  draft.events.push(...result.events);
  draft.items.push(...result.items);
  const { turn } = draft.active;
  draft.state = { ...draft.state, usage: addTokens(draft.state.usage, result.usage) };
  draft.set({ nextIndex: result.nextIndex });
  draft.setTurn({
    usage: addTokens(turn.usage, result.usage),
    steps: turn.steps + (result.isMade ? 1 : 0),
  });
  if (result.isMade)
    draft.steps.push({
      id: draft.newId("step_"),
      turnId: turn.id,
      step: turn.steps + 1,
      endedAt: draft.at,
      type: "model",
      usage: result.usage,
      ...result.timings,
    });
  if (result.cut !== null && !isLast) draft.set({ ending: result.cut });
  const isAnswer = result.calls.length === 0 && (result.cut === null || result.cut === "context_window");
  if (isLast || isAnswer) complete(draft);
  else takeCalls(draft, result.calls);
}

function takeCalls(draft: Draft, made: readonly MadeCall[]): void {
  const { turn } = draft.active;
  const left = draft.plan.limits.maxToolCalls - turn.toolCalls;
  const calls = made.map((each, index) => newCall(draft, each, index));
  draft.set({ calls, nextIndex: draft.active.nextIndex + calls.length });
  draft.setTurn({ toolCalls: turn.toolCalls + Math.min(left, calls.length) });
  for (const call of calls)
    draft.addItem(itemOf(call, turn.id, turn.steps, { output: null, error: null }), call.outputIndex);
  for (const [index, { callId, status }] of calls.entries()) {
    if (index >= left) settleCall(draft, callId, refused("The limit on tool calls is reached."));
    else if (status === "asking" && draft.plan.approval.isUnattended)
      settleCall(draft, callId, refused("It needs a person's approval, and there is no person to ask."));
  }
  draft.set({ toldFrom: draft.nextEvent });
  closeStep(draft);
}

function newCall(draft: Draft, made: MadeCall, index: number): Call {
  const { server, tool, definition } = made;
  const asks =
    server !== undefined &&
    needsApproval(draft.plan.approval, tool, server) &&
    !draft.state.remembered.includes(definition);
  return {
    callId: made.callId,
    itemId: draft.newId(server === undefined ? "fc_" : "mcp_"),
    outputIndex: draft.active.nextIndex + index,
    tool,
    arguments: made.arguments,
    label: server?.label,
    effect: server?.effect ?? "read",
    definition,
    status: server === undefined ? "client" : asks ? "asking" : "ready",
    attempts: 0,
    question: asks ? ask(draft, "policy") : undefined,
  };
}

function refused(reason: string): Outcome {
  return { output: null, error: `${reason} It was not run.` };
}
