import { plainPrompt } from "../../../assistant/template/transcript.ts";
import { ApiError, errorWords, UnavailableError } from "../../../errors.ts";
import { JobLoop } from "../../../platform/jobs/job-loop.ts";
import type { Claim, JobQueue } from "../../../platform/jobs/queue.ts";
import type { FieldsLog, Log } from "../../../platform/log.ts";
import type { Store } from "../../../platform/store/database.ts";
import type { ServedModels } from "../../../serving/served-models.ts";
import { beginCall, expire, settleCall } from "../session/calls.ts";
import type { Draft } from "../session/draft.ts";
import type { Outcome } from "../session/item.ts";
import { type SessionLedger, WorkOver } from "../session/ledger.ts";
import { next, timeLeftMs } from "../session/planner.ts";
import { resume, settleStep } from "../session/steps.ts";
import { dueWork, type SessionRow } from "../session/tables.ts";
import type { Call, TurnError } from "../session/turn.ts";
import { fail } from "../session/turns.ts";
import { capped, isShort, keepable } from "../tools/output.ts";
import type { ServerTool } from "../tools/server-tool.ts";
import { definitionOf, type Toolbox } from "../tools/toolbox.ts";
import { HeldSession } from "./held-session.ts";
import { answer } from "./model-step.ts";
import { Teller } from "./teller.ts";
import { wasShown } from "./transcript.ts";

/** Sessions that one process works on at the same time; the engine has its own queue. */
const CONCURRENCY = 64;

export interface SessionWorkerOptions {
  readonly store: Store;
  readonly queue: JobQueue;
  readonly ledger: SessionLedger;
  readonly models: ServedModels;
  readonly toolbox: Toolbox;
  readonly clock: () => number;
  readonly newId: (prefix: string) => string;
  readonly log: Pick<Log, "warn"> & Pick<FieldsLog, "error">;
}

/**
 * Does what sessions are to do next, step by step, until they rest. A step is in the store before the next begins, but for
 * steps that only read: those need not wait for the store, since they can be made again.
 */
export class SessionWorker {
  readonly #options: SessionWorkerOptions;
  readonly #jobs: JobLoop<SessionRow | undefined>;
  /** Sessions that this process works on now. */
  readonly #running = new Map<string, AbortController>();

  constructor(options: SessionWorkerOptions) {
    const { store, queue, ledger, log } = options;
    this.#options = options;
    this.#jobs = new JobLoop({
      store,
      queue,
      name: "agent sessions",
      concurrency: CONCURRENCY,
      due: dueWork,
      begin: (queries, claim) =>
        ledger.begin(queries, claim, async (draft, { told }) => {
          expire(draft);
          resume(draft, await told());
        }),
      work: (claim, begun, stopping) => this.#work(claim, begun, stopping),
      giveUp: (claim) => this.#giveUp(claim),
      log,
    });
  }

  wake(): void {
    this.#jobs.wake();
  }

  /** Ends what this process does for a session now. */
  interrupt(sessionId: string): void {
    this.#running.get(sessionId)?.abort();
  }

  recover(): Promise<void> {
    return this.#jobs.recover();
  }

  stop(): Promise<void> {
    return this.#jobs.stop();
  }

  async #work(claim: Claim, begun: SessionRow | undefined, stopping: AbortSignal): Promise<void> {
    const { store, ledger } = this.#options;
    if (begun !== undefined) {
      const controller = new AbortController();
      this.#running.set(begun.id, controller);
      const session = new HeldSession({ store, ledger, claim, row: begun });
      try {
        while (session.row.work === claim.position) {
          stopping.throwIfAborted();
          await this.#step(session, controller.signal, stopping);
        }
        await session.settled();
      } catch (error) {
        if (await this.#isToBeTriedAgain(claim, session, error, controller.signal, stopping)) return;
      } finally {
        this.#running.delete(begun.id);
      }
    }
    await this.#jobs.complete(claim, await store.database());
  }

  async #step(session: HeldSession, cancelled: AbortSignal, stopping: AbortSignal): Promise<void> {
    const { models, toolbox, clock, newId } = this.#options;
    const { plan, state } = session.row;
    const action = next(state);
    const signal = AbortSignal.any([cancelled, stopping]);
    const tools = await toolbox.open(session.row, await session.hasOutputs(), signal);
    if (action.type === "tools") return this.#runTools(session, { calls: action.calls, tools, cancelled });
    if (action.type !== "model" || state.active === null)
      throw new Error(`there is no work to ${action.type}`);
    const result = await answer({
      models,
      plan,
      active: state.active,
      items: await session.items(),
      tools,
      teller: new Teller({ session, clock }),
      newId,
      signal,
    });
    const settle = (draft: Draft) => settleStep(draft, result);
    const isOnlyReading = result.calls.every(({ server }) => server?.effect === "read");
    if (isOnlyReading && result.calls.length > 0) await session.changeAhead(settle);
    else await session.change(settle);
  }

  /** Runs calls side by side. A server that stops waits for them: what they do is known then. */
  async #runTools(session: HeldSession, { calls, tools, cancelled }: ToolStep): Promise<void> {
    const deadline = AbortSignal.timeout(timeLeftMs(session.row));
    const known = (call: Call) => {
      const tool = tools.get(call.tool);
      return tool && definitionOf(tool);
    };
    // What can be run again needs no mark that it was begun.
    const begun = calls.filter((call) => call.effect !== "write" && known(call) === call.definition);
    const marked = calls.filter((call) => !begun.includes(call));
    if (marked.length > 0) {
      const allowed: Call[] = [];
      await session.change((draft) => {
        allowed.length = 0;
        for (const call of marked) if (beginCall(draft, call.callId, known(call))) allowed.push(call);
      });
      begun.push(...allowed);
    }
    await Promise.all(
      begun.map(async (call) => {
        const begunAt = this.#options.clock();
        const { outcome, whole } = await this.#run(session, call, tools.get(call.tool), {
          cancelled,
          deadline,
        });
        const settle = (draft: Draft) => {
          if (whole !== undefined) draft.outputs.push({ callId: call.callId, output: keepable(whole) });
          const { turn, calls: open } = draft.active;
          draft.steps.push({
            id: draft.newId("step_"),
            turnId: turn.id,
            step: turn.steps,
            endedAt: draft.at,
            type: "tool",
            callId: call.callId,
            tool: call.tool,
            attempts: open.find(({ callId }) => callId === call.callId)?.attempts || 1,
            isError: outcome.error !== null,
            ms: this.#options.clock() - begunAt,
          });
          settleCall(draft, call.callId, outcome);
        };
        if (call.effect === "write") await session.change(settle);
        else await session.changeAhead(settle);
      }),
    );
  }

  /** `whole` is what was put out, where the model is given less of it. */
  async #run(
    session: HeldSession,
    call: Call,
    tool: ServerTool | undefined,
    { cancelled, deadline }: { readonly cancelled: AbortSignal; readonly deadline: AbortSignal },
  ): Promise<{ readonly outcome: Outcome; readonly whole?: string }> {
    const { log } = this.#options;
    const { callId } = call;
    try {
      if (tool === undefined) throw new Error("a call of no tool was begun");
      const given = JSON.parse(call.arguments) as Record<string, unknown>;
      const output = await tool.run(given, {
        callId,
        signal: AbortSignal.any([cancelled, deadline]),
        isShown: async (text) => wasShown(await session.items(), text),
      });
      const { text, isCut } = await this.#capped(session.row, output, callId, cancelled);
      return { outcome: { output: text, error: null }, ...(isCut && { whole: output }) };
    } catch (error) {
      cancelled.throwIfAborted();
      if (deadline.aborted) return { outcome: { output: null, error: "The time of the turn is over." } };
      if (!(error instanceof ApiError)) log.error({ err: error }, `the tool ${call.tool} met a defect`);
      const { text } = await this.#capped(session.row, errorWords(error).message, callId, cancelled);
      return { outcome: { output: null, error: text } };
    }
  }

  async #capped({ plan }: SessionRow, text: string, callId: string, signal: AbortSignal) {
    const { models } = this.#options;
    const { maxToolOutputTokens: maxTokens } = plan.limits;
    const known = models.find(plan.agent.model).description;
    // A model that is not in memory now is not loaded for a few words.
    if (known !== undefined && isShort(text, { maxTokens, contextWindow: known.contextWindow }))
      return { text, isCut: false };
    using lease = await models.leaseNamed(plan.agent.model, { signal });
    const { engine } = lease.model;
    return capped(text, {
      readOn: (offset) => `; read_output with call_id "${callId}" and offset ${offset} reads on`,
      maxTokens,
      contextWindow: engine.describe().contextWindow,
      countTokens: async (piece) => (await engine.tokenize(plainPrompt(piece), signal)).length,
    });
  }

  /** What is only busy or away is tried again; anything else ends the turn. */
  async #isToBeTriedAgain(
    claim: Claim,
    session: HeldSession,
    error: unknown,
    cancelled: AbortSignal,
    stopping: AbortSignal,
  ): Promise<boolean> {
    const { store, log } = this.#options;
    if (error instanceof WorkOver || cancelled.aborted) return false;
    if (stopping.aborted || error instanceof UnavailableError) {
      const database = await store.database();
      await database.transaction((queries) => this.#jobs.giveBack(claim, queries));
      return true;
    }
    if (!(error instanceof ApiError))
      log.error({ err: error }, `the agent session ${session.row.id} met a defect`);
    await this.#fail(session.afresh(), toTurnError(error));
    return false;
  }

  async #giveUp(claim: Claim): Promise<void> {
    const { store, ledger } = this.#options;
    const database = await store.database();
    const row = await database.transaction((queries) => ledger.begin(queries, claim, () => {}));
    const message = "Taken up again and again, and never heard of since.";
    if (row !== undefined)
      await this.#fail(new HeldSession({ store, ledger, claim, row }), { code: "internal_error", message });
  }

  async #fail(session: HeldSession, error: TurnError): Promise<void> {
    try {
      await session.change(async (draft, { told }) => fail(draft, error, await told()));
    } catch (problem) {
      if (!(problem instanceof WorkOver)) throw problem;
    }
  }
}

interface ToolStep {
  readonly calls: readonly Call[];
  readonly tools: ReadonlyMap<string, ServerTool>;
  readonly cancelled: AbortSignal;
}

/** An error in the codes that turns have. */
function toTurnError(error: unknown): TurnError {
  const { code, message } = errorWords(error);
  const codes: Readonly<Record<string, string>> = {
    context_length_exceeded: "context_length_exceeded",
    not_found: "resource_not_found",
    invalid_request: "invalid_request",
  };
  return { code: codes[code] ?? "internal_error", message };
}
