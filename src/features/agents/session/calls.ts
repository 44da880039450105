import { ApiError } from "../../../errors.ts";
import { digestOf } from "../../../platform/digest.ts";
import { toWellFormed } from "../../../platform/schema/well-formed.ts";
import { lastAnswerPrompt, reachedLimit } from "../limits.ts";
import { noteCall } from "../repetition.ts";
import { type Draft, isOpen } from "./draft.ts";
import type { Item, Outcome } from "./item.ts";
import type { Call, Question } from "./turn.ts";

/** A person's answer to the question whether a call may run. */
export type Decision = "approve" | "deny" | "cancel";

/**
 * What the client's function gave. A second result of a call changes nothing.
 * @returns whether it is a call of the running step
 */
export function takeResult(draft: Draft, callId: string, outcome: Outcome): boolean {
  const call = draft.state.active?.calls.find((candidate) => candidate.callId === callId);
  if (call?.status === "client") settleCall(draft, callId, outcome);
  return call !== undefined && call.label === undefined;
}

/** A person's decision on one call with these arguments of this definition; it counts once. */
export function decide(draft: Draft, requestId: string, decision: Decision, remember: boolean): void {
  const call = (draft.state.active?.calls ?? []).find(({ question }) => question?.requestId === requestId);
  if (call?.status !== "asking" || call.question === undefined)
    throw new ApiError("conflict", `Nothing waits for a decision on ${requestId}.`, { param: "request_id" });
  if (draft.at >= call.question.expiresAt) {
    draft.answers.set(requestId, "expired");
    settleCall(draft, call.callId, expired);
    return;
  }
  draft.answers.set(requestId, decision === "approve" ? "approved" : "denied");
  if (decision !== "approve") {
    settleCall(draft, call.callId, denied(call.question));
    return;
  }
  draft.setCall(call.callId, { status: "ready", question: undefined });
  if (remember) draft.state = { ...draft.state, remembered: [...draft.state.remembered, call.definition] };
}

/** Denies what was not decided in time. */
export function expire(draft: Draft): void {
  for (const { callId, status, question } of draft.state.active?.calls ?? [])
    if (status === "asking" && question !== undefined && draft.at >= question.expiresAt) {
      draft.answers.set(question.requestId, "expired");
      settleCall(draft, callId, expired);
    }
}

/** Marks a call as begun, before its tool can have done anything. @returns false where it may not run now */
export function beginCall(draft: Draft, callId: string, definition: string | undefined): boolean {
  const call = draft.state.active?.calls.find((candidate) => candidate.callId === callId);
  if (call?.status !== "ready") return false;
  if (definition === undefined) {
    settleCall(draft, callId, { output: null, error: "There is no such tool any more." });
    return false;
  }
  if (definition !== call.definition) {
    // What a person or a rule let run was another tool.
    draft.setCall(callId, { definition, status: "asking", question: ask(draft, "redefined") });
    return false;
  }
  draft.setCall(callId, { status: "running", attempts: call.attempts + 1 });
  return true;
}

/**
 * What becomes of calls that were under way when their process ended: those that can be run again are; of one that
 * may have had its effect a person decides.
 */
export function resumeCalls(draft: Draft): void {
  for (const { callId, status, effect } of draft.active.calls) {
    if (status !== "running") continue;
    if (effect === "write") draft.setCall(callId, { status: "asking", question: ask(draft, "interrupted") });
    else draft.setCall(callId, { status: "ready" });
  }
}

export function ask(draft: Draft, reason: Question["reason"]): Question {
  return {
    requestId: draft.newId("apr_"),
    reason,
    expiresAt: draft.at + 1000 * draft.plan.limits.approvalSeconds,
  };
}

/** Gives a call its one outcome. */
export function settleCall(draft: Draft, callId: string, given: Outcome): void {
  const outcome: Outcome = { output: storable(given.output), error: storable(given.error) };
  const call = draft.state.active?.calls.find((candidate) => candidate.callId === callId);
  if (call === undefined || !isOpen(call)) return;
  const { recent, verdict } = noteCall(
    draft.active.recent,
    digestOf([call.tool, call.arguments, outcome.output, outcome.error]),
  );
  draft.set({ recent });
  record(draft, call, verdict === "none" ? outcome : repeated(outcome));
  draft.setCall(callId, { status: "settled", question: undefined });
  if (verdict === "ended" && draft.active.ending === null) draft.set({ ending: "repetition" });
  closeStep(draft);
}

/** Gives every open call of the turn the same outcome. */
export function dropCalls(draft: Draft, error: string): void {
  for (const call of draft.active.calls) {
    if (!isOpen(call)) continue;
    if (call.question !== undefined) draft.answers.set(call.question.requestId, "dropped");
    record(draft, call, {
      output: null,
      error: call.status === "running" ? `${error} Whether it took effect is unknown.` : error,
    });
    draft.setCall(call.callId, { status: "settled", question: undefined });
  }
  draft.set({ calls: [] });
}

/** When all calls of a step have their outcomes the next step follows, the last one where a limit is reached. */
export function closeStep(draft: Draft): void {
  const { calls, turn, ending } = draft.active;
  if (calls.some(isOpen)) return;
  const reason = ending ?? reachedLimit(turn, draft.plan.limits) ?? null;
  draft.set({ calls: [], ending: reason });
  if (reason !== null) draft.addItem(userMessage(draft, turn.id, turn.steps, lastAnswerPrompt(reason)), null);
  draft.set({ toldFrom: draft.nextEvent });
}

/** A message that the model is given as the user's. */
export function userMessage(draft: Draft, turnId: string, step: number, text: string): Item {
  return {
    type: "message",
    id: draft.newId("msg_"),
    turnId,
    step,
    status: "completed",
    role: "user",
    text,
    phase: null,
  };
}

function record(draft: Draft, call: Call, outcome: Outcome): void {
  const { turn } = draft.active;
  const status = outcome.error === null ? "completed" : "failed";
  const item = itemOf(call, turn.id, turn.steps, outcome);
  draft.endItem({ ...item, status }, call.outputIndex);
  if (item.type !== "function_call") return;
  draft.addItem(
    {
      type: "function_call_output",
      id: draft.newId("fco_"),
      turnId: turn.id,
      step: turn.steps,
      status,
      callId: call.callId,
      ...outcome,
    },
    null,
  );
}

export function itemOf(call: Call, turnId: string, step: number, outcome: Outcome): Item {
  const base = {
    id: call.itemId,
    turnId,
    step,
    status: "in_progress" as const,
    callId: call.callId,
    name: call.tool,
    arguments: call.arguments,
  };
  return call.label === undefined
    ? { type: "function_call", ...base }
    : { type: "mcp_call", ...base, label: call.label, ...outcome };
}

/** What no database takes is in outputs of tools too. */
function storable(text: string | null): string | null {
  return text === null ? null : toWellFormed(text);
}

const REPEATED = "This is the same call with the same result as before.";

function repeated({ output, error }: Outcome): Outcome {
  return output === null
    ? { output, error: `${error ?? ""}\n${REPEATED}`.trim() }
    : { output: `${output}\n${REPEATED}`, error };
}

const expired: Outcome = { output: null, error: "No person approved the call in time. It was not run." };

function denied({ reason }: Question): Outcome {
  return {
    output: null,
    error:
      reason === "interrupted"
        ? "The call was interrupted. Whether it took effect is unknown, and a person decided not to run it again."
        : "A person denied the call. It was not run.",
  };
}
