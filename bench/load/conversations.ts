import type { Client } from "./client.ts";
import type { LoadResult } from "./closed-loop.ts";
import type { Outcome } from "./outcome.ts";
import { SeededRandom } from "./random.ts";
import { words } from "./workload.ts";

export interface ConversationShape {
  readonly sessions: number;
  readonly turns: number;
  /** Words that each turn adds, and tokens that each answer has. */
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly seed: number;
}

/** A turn that was sent, and what became of it. */
export interface SentTurn {
  /** From 0. */
  readonly turn: number;
  readonly outcome: Outcome;
}

interface Session {
  history: string;
  turn: number;
  readonly random: SeededRandom;
}

/** Users who talk on and off: each turn sends the whole history again, which grows by the answer before. */
export class Conversations {
  readonly #shape: ConversationShape;
  readonly #sessions: readonly Session[];
  readonly #order: SeededRandom;

  constructor(shape: ConversationShape) {
    const random = new SeededRandom(shape.seed);
    this.#shape = shape;
    this.#sessions = Array.from({ length: shape.sessions }, () => ({
      history: "",
      turn: 0,
      random: random.fork(),
    }));
    this.#order = random.fork();
  }

  /** Holds every session's turns up to `until`, in random order by `clients` at once; at most one a session. */
  async run(
    client: Client,
    { until, clients, signal }: { until: number; clients: number; signal?: AbortSignal },
  ): Promise<LoadResult & { readonly sent: readonly SentTurn[] }> {
    const sent: SentTurn[] = [];
    const startedAt = performance.now();
    const idle = this.#sessions.filter(({ turn }) => turn < until);
    const runOne = async () => {
      while (!signal?.aborted) {
        const [session] = idle.splice(this.#order.integer(idle.length), 1);
        if (session === undefined) return;
        sent.push(await this.#take(client, session));
        if (session.turn < until) idle.push(session);
      }
    };
    await Promise.all(Array.from({ length: clients }, runOne));
    return { sent, outcomes: sent.map(({ outcome }) => outcome), wallMs: performance.now() - startedAt };
  }

  async #take(client: Client, session: Session): Promise<SentTurn> {
    const { promptTokens, newTokens } = this.#shape;
    const prompt = session.history + words(promptTokens, session.random);
    const outcome = await client.send({ prompt, newTokens, isTextWanted: true });
    session.history = prompt + (outcome.text ?? "");
    return { turn: session.turn++, outcome };
  }
}
