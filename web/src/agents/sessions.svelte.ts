import type { describeItem } from "../../../src/dialects/openai/agents/events.ts";
import type {
  describeApproval,
  describeSession,
  describeTurn,
} from "../../../src/dialects/openai/agents/output.ts";
import { call, failureOf, send } from "../api/client.ts";
import { followRecords } from "../api/live.svelte.ts";

export type Session = ReturnType<typeof describeSession>;
export type Item = ReturnType<typeof describeItem>;
export type Turn = ReturnType<typeof describeTurn>;
export type Approval = ReturnType<typeof describeApproval>;

interface List<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
}

const path = (id: string) => `/v1/agents/sessions/${encodeURIComponent(id)}`;

/** The sessions of agents, and what of them waits for a person. */
export class Sessions {
  all = $state.raw<readonly Session[] | null>(null);
  /** What waits for a decision, in all sessions. */
  inbox = $state.raw<readonly Approval[]>([]);
  /** There are older sessions, or further approvals, than are shown. */
  hasMore = $state(false);
  error = $state.raw<unknown>(null);

  watch(): () => void {
    return followRecords(
      (signal) => this.#load(signal),
      (failure) => {
        this.error = failure;
      },
    );
  }

  /** @throws ApiFailure, Unreachable */
  async decide(approval: Approval, decision: "approve" | "deny", isRemembered: boolean): Promise<void> {
    const body = { decision, ...(isRemembered && { remember: "session" }) };
    await call(`/v1/agents/approvals/${encodeURIComponent(approval.id)}`, { method: "POST", body });
    this.inbox = this.inbox.filter(({ id }) => id !== approval.id);
  }

  /** @throws ApiFailure, Unreachable */
  async begin(agent: object, input: string): Promise<Session> {
    const body = { environment: { type: "none" }, agent, input };
    const session = await call<Session>("/v1/agents/sessions", { method: "POST", body });
    // The list may have been read again before the answer came.
    this.all = [session, ...(this.all ?? []).filter(({ id }) => id !== session.id)];
    return session;
  }

  /** @throws ApiFailure, Unreachable */
  async remove(id: string): Promise<void> {
    await call(path(id), { method: "DELETE" });
    this.all = (this.all ?? []).filter((session) => session.id !== id);
  }

  async #load(signal: AbortSignal): Promise<boolean> {
    try {
      const [sessions, inbox] = await Promise.all([
        call<List<Session>>("/v1/agents/sessions?limit=50", { signal }),
        call<List<Approval>>("/v1/agents/approvals?status=pending&limit=100", { signal }),
      ]);
      this.all = sessions.data;
      this.inbox = inbox.data;
      this.hasMore = sessions.has_more || inbox.has_more;
      this.error = null;
    } catch (thrown) {
      if (!signal.aborted) this.error = failureOf(thrown);
    }
    return this.error === null;
  }
}

/** What was said and done in one session. */
export class SessionContents {
  readonly #id: string;
  session = $state.raw<Session | null>(null);
  items = $state.raw<readonly Item[]>([]);
  turns = $state.raw<readonly Turn[]>([]);
  /** There are earlier items or turns than are shown. */
  hasMore = $state(false);
  error = $state.raw<unknown>(null);

  constructor(id: string) {
    this.#id = id;
  }

  watch(): () => void {
    return followRecords(
      async (signal) => {
        await this.#look(signal);
        return this.error === null;
      },
      (failure) => {
        this.error = failure;
      },
    );
  }

  async #look(signal: AbortSignal): Promise<void> {
    // A session that rests changes only when something is put in.
    if (this.session?.status === "idle") {
      const now = await this.#try(signal, () => call<Session>(path(this.#id), { signal }));
      if (now === undefined || now.last_active_at === this.session.last_active_at) return;
    }
    await this.#load(signal);
  }

  say(text: string): Promise<void> {
    const content = [{ type: "input_text", text }];
    return this.#put({
      type: "agent.session.input.message",
      input: [{ type: "message", role: "user", content }],
    });
  }

  cancel(): Promise<void> {
    return this.#put({ type: "agent.session.input.cancel" });
  }

  giveResult(callId: string, output: string): Promise<void> {
    return this.#put({ type: "agent.session.input.tool_result", call_id: callId, success: true, output });
  }

  async #put(event: object): Promise<void> {
    await this.#try(undefined, async () => {
      await send(`${path(this.#id)}/events`, { method: "POST", body: { events: [event] } });
      await this.#load();
    });
  }

  async #load(signal?: AbortSignal): Promise<void> {
    const options = signal === undefined ? {} : { signal };
    await this.#try(signal, async () => {
      const [session, items, turns] = await Promise.all([
        call<Session>(path(this.#id), options),
        call<List<Item>>(`${path(this.#id)}/items?order=desc&limit=100`, options),
        call<List<Turn>>(`${path(this.#id)}/turns?order=desc&limit=20`, options),
      ]);
      this.session = session;
      this.items = items.data.toReversed();
      this.turns = turns.data;
      this.hasMore = items.has_more || turns.has_more;
    });
  }

  async #try<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.error = null;
      return result;
    } catch (thrown) {
      if (!signal?.aborted) this.error = failureOf(thrown);
      return undefined;
    }
  }
}
