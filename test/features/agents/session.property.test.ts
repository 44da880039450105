import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SessionPlan } from "../../../src/features/agents/agent.ts";
import type { Effect } from "../../../src/features/agents/approval.ts";
import { defaultLimits } from "../../../src/features/agents/limits.ts";
import {
  beginCall,
  decide,
  expire,
  settleCall,
  takeResult,
} from "../../../src/features/agents/session/calls.ts";
import { Draft } from "../../../src/features/agents/session/draft.ts";
import type { SessionEvent } from "../../../src/features/agents/session/event.ts";
import { next } from "../../../src/features/agents/session/planner.ts";
import { type MadeCall, resume, settleStep } from "../../../src/features/agents/session/steps.ts";
import { noTokens } from "../../../src/features/agents/session/token-use.ts";
import { type Call, newState, type SessionState } from "../../../src/features/agents/session/turn.ts";
import { cancel, fail, takeMessage } from "../../../src/features/agents/session/turns.ts";

const plan: SessionPlan = {
  agent: {
    id: "agent_1",
    name: null,
    model: null,
    instructions: null,
    tools: [],
    form: { type: "text" },
    reasoning: null,
    temperature: 1,
    isBatch: false,
  },
  limits: { ...defaultLimits, maxSteps: 4, maxToolCalls: 6, approvalSeconds: 50 },
  approval: { default: "ask_unless_read_only", tools: { note: "never" }, isUnattended: false },
  seed: 1,
  cacheScope: null,
};

/** Tools with the effects and rules that calls can have; `ask_human` is the client's. */
const tools: Readonly<Record<string, Effect | "client">> = {
  look: "read",
  put: "idempotent",
  note: "write",
  send: "write",
  ask_human: "client",
};

type Act =
  | { readonly type: "message" | "cancel" | "crash" | "work" | "fail" }
  | { readonly type: "step"; readonly tools: readonly string[] }
  | { readonly type: "decide"; readonly which: number; readonly approve: boolean; readonly remember: boolean }
  | { readonly type: "result"; readonly which: number }
  | { readonly type: "done"; readonly which: number; readonly isSame: boolean }
  | { readonly type: "later"; readonly seconds: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Act>({ type: "message" }, { type: "work" }, { type: "crash" }) },
  { weight: 1, arbitrary: fc.constantFrom<Act>({ type: "cancel" }, { type: "fail" }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("step" as const),
      tools: fc.array(fc.constantFrom(...Object.keys(tools)), { maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("decide" as const),
      which: fc.nat(2),
      approve: fc.boolean(),
      remember: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("result" as const), which: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("done" as const),
      which: fc.nat(2),
      isSame: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("later" as const), seconds: fc.nat(60) }) },
);

/** A session as its ledger holds it, and a worker that does what the plan says, and may end at any moment. */
class World {
  state: SessionState = newState;
  readonly events: SessionEvent[] = [];
  /** Times that the tool of a call took effect, by the call. */
  readonly effects = new Map<string, number>();
  /** Calls of tools with effects that a person let run again after an interruption. */
  readonly runAgain = new Map<string, number>();
  #at = 1_000_000;
  #ids = 0;

  newId = (prefix: string): string => `${prefix}${++this.#ids}`;

  change(work: (draft: Draft) => void): void {
    const draft = new Draft({
      plan,
      state: this.state,
      at: this.#at,
      newId: this.newId,
      nextEvent: this.events.length,
    });
    work(draft);
    draft.close();
    this.state = draft.state;
    this.events.push(...draft.events);
  }

  calls(status: Call["status"]): readonly Call[] {
    return (this.state.active?.calls ?? []).filter((call) => call.status === status);
  }

  do(act: Act): void {
    const told = { open: [], nextIndex: 0 };
    switch (act.type) {
      case "message":
        if (this.state.queued.length < 8) this.change((draft) => takeMessage(draft, ["go on"]));
        return;
      case "cancel":
        this.change((draft) => cancel(draft, told));
        return;
      case "crash":
        this.change((draft) => {
          expire(draft);
          resume(draft, told);
        });
        return;
      case "fail":
        if (next(this.state).type === "model")
          this.change((draft) => fail(draft, { code: "internal_error", message: "x" }, told));
        return;
      case "work":
        // Calls that may not run now are tried too.
        for (const { callId, definition } of this.state.active?.calls ?? [])
          this.change((draft) => {
            if (beginCall(draft, callId, definition))
              this.effects.set(callId, (this.effects.get(callId) ?? 0) + 1);
          });
        return;
      case "step":
        if (next(this.state).type === "model")
          this.change((draft) =>
            settleStep(draft, {
              events: [],
              items: [],
              calls: draft.active.ending === null ? act.tools.map((tool) => this.#made(tool)) : [],
              nextIndex: draft.active.nextIndex,
              isMade: true,
              timings: { queueMs: 0, prefillMs: 0, decodeMs: 0, ms: 0 },
              usage: { ...noTokens, inputTokens: 10, outputTokens: 5 },
              cut: null,
            }),
          );
        return;
      case "decide": {
        const call = this.calls("asking")[act.which];
        if (call?.question === undefined) return;
        const { requestId, reason } = call.question;
        this.change((draft) => decide(draft, requestId, act.approve ? "approve" : "deny", act.remember));
        const isReady = this.calls("ready").some(({ callId }) => callId === call.callId);
        if (reason === "interrupted" && isReady)
          this.runAgain.set(call.callId, (this.runAgain.get(call.callId) ?? 0) + 1);
        return;
      }
      case "result": {
        const call = this.calls("client")[act.which];
        if (call !== undefined)
          this.change((draft) => {
            takeResult(draft, call.callId, { output: "yes", error: null });
            takeResult(draft, call.callId, { output: "no", error: null });
          });
        return;
      }
      case "done": {
        const call = this.calls("running")[act.which];
        const output = act.isSame ? "the same" : this.newId("result ");
        const settle = (callId: string) =>
          this.change((draft) => settleCall(draft, callId, { output, error: null }));
        // A result that comes twice, too.
        if (call !== undefined) for (const callId of [call.callId, call.callId]) settle(callId);
        return;
      }
      case "later":
        this.#at += 1000 * act.seconds;
        this.change(expire);
        return;
    }
  }

  #made(tool: string): MadeCall {
    const effect = tools[tool];
    return {
      callId: this.newId("call_"),
      tool,
      arguments: "{}",
      server: effect === undefined || effect === "client" ? undefined : { label: "here", effect },
      definition: `definition of ${tool}`,
    };
  }
}

/** What followers were told fits together at any moment. */
function check({ events, state, effects, runAgain }: World): void {
  let running: string | undefined;
  const ended = new Set<string>();
  const items = new Map<string, "added" | "done">();
  const outcomes = new Map<string, number>();
  for (const event of events) {
    if (event.type === "turn") {
      const { id } = event.turn;
      assert.ok(!ended.has(id), "an ended turn changes");
      if (event.change === "in_progress") {
        assert.equal(running, undefined, "two turns run");
        running = id;
      } else if (event.change !== "created") {
        if (event.turn.startedAt !== null) assert.equal(running, id);
        if (running === id) running = undefined;
        ended.add(id);
      }
    }
    if (event.type !== "item") continue;
    const { item, change, outputIndex } = event;
    const before = items.get(item.id);
    assert.equal(before, change === "added" ? undefined : "added", `item ${item.id} is ${change}`);
    items.set(item.id, change);
    if ((item.type === "function_call" || item.type === "mcp_call") && change === "done")
      outcomes.set(item.callId, (outcomes.get(item.callId) ?? 0) + 1);
    if (outputIndex === null) items.delete(item.id);
  }
  assert.equal(running, state.active?.turn.id);
  const open = new Set(
    (state.active?.calls ?? []).flatMap((call) => (call.status === "settled" ? [] : call.callId)),
  );
  for (const event of events) {
    if (event.type !== "item" || event.change !== "added") continue;
    if (event.item.type !== "function_call" && event.item.type !== "mcp_call") continue;
    const { callId } = event.item;
    assert.equal(outcomes.get(callId) ?? 0, open.has(callId) ? 0 : 1, `outcomes of ${callId}`);
  }
  const effectOf = new Map(
    events.flatMap((event) =>
      event.type === "item" && event.item.type === "mcp_call"
        ? [[event.item.callId, tools[event.item.name]]]
        : [],
    ),
  );
  for (const [callId, times] of effects)
    if (effectOf.get(callId) === "write")
      assert.ok(times <= 1 + (runAgain.get(callId) ?? 0), `${callId} took effect ${times} times`);
}

test("whatever comes when, one turn runs at a time, each call has one outcome, and no write is repeated unasked", () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 60, size: "max" }), (acts) => {
      const world = new World();
      world.do({ type: "message" });
      for (const each of acts) {
        world.do(each);
        check(world);
      }
    }),
    { numRuns: 400 },
  );
});

test("a turn that is given its results comes to an end, with a last answer at its limits", () => {
  fc.assert(
    fc.property(
      fc.array(act, { maxLength: 40, size: "max" }),
      fc.constantFrom("look", "send", "ask_human"),
      (acts, tool) => {
        const world = new World();
        world.do({ type: "message" });
        for (const each of acts) world.do(each);
        for (let left = 400; world.state.active !== null; left--) {
          assert.ok(left > 0, "the session never rests");
          world.do({ type: "decide", which: 0, approve: true, remember: false });
          world.do({ type: "result", which: 0 });
          world.do({ type: "work" });
          world.do({ type: "done", which: 0, isSame: false });
          world.do({ type: "step", tools: [tool, tool] });
        }
        const ends = world.events.flatMap((event) =>
          event.type === "turn" && event.change === "completed" ? [event.turn] : [],
        );
        for (const { steps, toolCalls, incomplete } of ends) {
          assert.ok(toolCalls <= plan.limits.maxToolCalls);
          assert.ok(steps <= plan.limits.maxSteps + (incomplete === null ? 0 : 1));
        }
        check(world);
      },
    ),
    { numRuns: 200 },
  );
});
