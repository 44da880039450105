/** Eight kinds of traffic that go on until they are told to stop, whatever becomes of the server meanwhile. */
import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "./random.ts";

/** Longest wait for an answer; more is a hang. Far over any that was seen, and over the server's own limits of queues. */
const HANG_MS = 120_000;
const PAUSE_MS = 150;

export interface Tally {
  /** Answers with a status, whichever. */
  answered: number;
  served: number;
  /** 503, 529 and 429: the server says that it can't now. */
  refused: number;
  readonly latenciesMs: number[];
  readonly hangs: string[];
  /** Connections and streams that ended without an answer's end or an error's event. */
  readonly broken: string[];
  /** Any other status. */
  readonly wrong: string[];
}

export interface TrafficOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly seed: number;
}

type Send = (path: string, body: object | undefined, method?: string) => Promise<unknown>;

/** One round of a kind of traffic; `send` throws where nothing usable came, which ends the round. */
type Round = (send: Send, random: SeededRandom, memory: Map<string, string>) => Promise<void>;

const subjects = ["the sea", "a ship", "the king", "rain", "a garden", "the moon", "bread", "the old clock"];
const question = (random: SeededRandom) =>
  `Tell me about ${subjects[random.integer(subjects.length)]} and ${subjects[random.integer(subjects.length)]}.`;
const messages = (random: SeededRandom) => [{ role: "user", content: question(random) }];
const stringField = (answer: unknown, name: string): string => {
  const value = (answer as Record<string, unknown> | undefined)?.[name];
  if (typeof value !== "string") throw new RoundOver();
  return value;
};

const rounds: Readonly<Record<string, Round>> = {
  chat: async (send, random) => {
    await send("/v1/chat/completions", { messages: messages(random), max_tokens: 12 });
  },
  stream: async (send, random) => {
    await send("/v1/chat/completions", { messages: messages(random), max_tokens: 48, stream: true });
  },
  messages: async (send, random) => {
    await send("/v1/messages", {
      messages: messages(random),
      max_tokens: 24,
      stream: random.integer(2) === 0,
    });
  },
  responses: async (send, random) => {
    const first = await send("/v1/responses", { input: question(random), max_output_tokens: 12 });
    const id = stringField(first, "id");
    await send("/v1/responses", { input: question(random), previous_response_id: id, max_output_tokens: 8 });
    await send(`/v1/responses/${id}`, undefined, "DELETE");
  },
  embeddings: async (send, random) => {
    await send("/v1/embeddings", { input: [question(random), question(random)] });
  },
  rag: async (send, random, memory) => {
    const known = memory.get("corpus");
    if (known === undefined) {
      const records = subjects.map((text, index) => ({
        doc_id: `d${index}`,
        text: `${text} is known to all.`,
      }));
      const made = await send("/v1/datasets", { name: "soak", type: "rag_corpus", records });
      memory.set("corpus", stringField(made, "dataset_id"));
      return;
    }
    await send("/v1/rag/query", { dataset_id: known, query: question(random), max_new_tokens: 8 });
    if (random.integer(20) !== 0) return;
    memory.delete("corpus");
    await send(`/v1/datasets/${known}`, undefined, "DELETE");
  },
  evaluation: async (send, random, memory) => {
    await send("/evaluate", {
      prompt: question(random),
      response: question(random),
      reference: question(random),
      metrics: { chrf: {}, rouge_l: {} },
      criteria: ["clarity"],
    });
    const set =
      memory.get("set") ??
      stringField(
        await send("/v1/datasets", {
          name: "soak",
          type: "eval_set",
          records: [{ prompt: "Say hello.", reference: "Hello" }],
        }),
        "dataset_id",
      );
    memory.set("set", set);
    if (random.integer(4) !== 0) return;
    await send("/v1/batch-evals", {
      dataset_id: set,
      metrics: { exact_match: {} },
      generation: { max_new_tokens: 8 },
    });
  },
  ollama: async (send, random) => {
    const options = { num_predict: 12 };
    await send("/api/chat", {
      messages: messages(random),
      options,
      stream: random.integer(2) === 0,
      model: "builtin",
    });
  },
};

/** Ends a round whose next step needs an answer that did not come. */
class RoundOver extends Error {}

export const trafficKinds = Object.keys(rounds);

export class Traffic {
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly #options: TrafficOptions;
  readonly #running: ReadonlyArray<Promise<void>>;
  #isOver = false;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.tallies = new Map(
      trafficKinds.map((kind) => [
        kind,
        { answered: 0, served: 0, refused: 0, latenciesMs: [], hangs: [], broken: [], wrong: [] },
      ]),
    );
    this.#running = Object.entries(rounds).map(([kind, round], index) => this.#run(kind, round, index));
  }

  /** Resolves once every request that is under way has ended. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #run(kind: string, round: Round, index: number): Promise<void> {
    const random = new SeededRandom(this.#options.seed + index);
    const memory = new Map<string, string>();
    const tally = this.tallies.get(kind);
    if (tally === undefined) throw new Error(`no tally of ${kind}`);
    const send: Send = (path, body, method = "POST") => this.#send(tally, path, body, method);
    while (!this.#isOver) {
      await round(send, random, memory).catch((error: unknown) => {
        if (!(error instanceof RoundOver)) throw error;
      });
      await delay(PAUSE_MS);
    }
  }

  async #send(tally: Tally, path: string, body: object | undefined, method: string): Promise<unknown> {
    const { url, apiKey } = this.#options;
    const startedAt = performance.now();
    const timeout = AbortSignal.timeout(HANG_MS);
    try {
      const response = await fetch(url + path, {
        method,
        headers: { "x-api-key": apiKey, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: timeout,
      });
      const text = await response.text();
      tally.answered++;
      tally.latenciesMs.push(performance.now() - startedAt);
      return judge(tally, response, text, `${method} ${path}`);
    } catch (error) {
      if (error instanceof RoundOver) throw error;
      const why = `${method} ${path} after ${Math.round(performance.now() - startedAt)} ms: ${(error as Error).message}`;
      (timeout.aborted ? tally.hangs : tally.broken).push(why);
      throw new RoundOver(why);
    }
  }
}

function judge(tally: Tally, { status, headers }: Response, text: string, what: string): unknown {
  if ([429, 503, 529].includes(status)) {
    tally.refused++;
    throw new RoundOver();
  }
  if (status >= 400) {
    tally.wrong.push(`${what}: ${status} ${text.slice(0, 200)}`);
    throw new RoundOver();
  }
  const type = headers.get("content-type") ?? "";
  if (/event-stream|ndjson/.test(type)) {
    if (/"error":/.test(text)) tally.refused++;
    else if (/\[DONE\]|message_stop|"done":true/.test(text)) tally.served++;
    else tally.broken.push(`${what}: a stream without an end: ${text.slice(-200)}`);
    return undefined;
  }
  tally.served++;
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}
