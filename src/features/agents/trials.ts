import type { Agent } from "./agent.ts";
import { defaultApproval } from "./approval.ts";
import { defaultLimits } from "./limits.ts";
import { addTokens, noTokens, type TokenUse } from "./session/token-use.ts";
import { statusOf } from "./session/turn.ts";
import type { Sessions } from "./sessions.ts";

/** What came of one session that was given one task. */
export interface Trial {
  readonly sessionId: string;
  /** The last thing that was said; empty where nothing was. */
  readonly answer: string;
  readonly calls: readonly TrialCall[];
  readonly steps: number;
  readonly usage: TokenUse;
  /** The limit that ended it, or the error. */
  readonly ending: string | null;
}

export interface TrialCall {
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** Items of a session that are looked through. */
const MAX_ITEMS = 1_000;

/** Gives agents tasks without a person: what would wait for one is denied, and what waits for a client ends the trial. */
export class Trials {
  readonly #sessions: Sessions;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  async run(agent: Agent, task: string, seed: number, signal: AbortSignal): Promise<Trial> {
    const approval = { ...defaultApproval, isUnattended: true };
    const plan = { agent, limits: defaultLimits, approval, seed, cacheScope: null };
    const { id } = await this.#sessions.create(plan, { purpose: "evaluation" }, [task]);
    try {
      await this.#sessions.rest(id, signal);
      signal.throwIfAborted();
    } finally {
      const { state } = await this.#sessions.get(id);
      if (statusOf(state) !== "idle") await this.#sessions.put(id, [{ type: "cancel" }], undefined);
    }
    return this.#outcome(id);
  }

  async #outcome(id: string): Promise<Trial> {
    const { entries: items } = await this.#sessions.items(id, undefined, { limit: MAX_ITEMS, order: "asc" });
    const { entries: turns } = await this.#sessions.turns(id, { limit: 10, order: "desc" });
    const said = items.findLast((item) => item.type === "message" && item.role === "assistant");
    const [turn] = turns;
    return {
      sessionId: id,
      answer: said?.type === "message" && said.phase !== "commentary" ? said.text : "",
      calls: items.flatMap((item) =>
        item.type === "mcp_call" || item.type === "function_call"
          ? [{ name: item.name, arguments: item.arguments }]
          : [],
      ),
      steps: turns.reduce((total, { steps }) => total + steps, 0),
      usage: turns.reduce((total, { usage }) => addTokens(total, usage), noTokens),
      ending: turn?.error?.code ?? turn?.incomplete ?? (turn?.status === "completed" ? null : "unanswered"),
    };
  }
}
