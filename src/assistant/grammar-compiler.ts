import { Worker } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { InvalidRequestError } from "../errors.ts";
import { knownFormat } from "./formats/known-formats.ts";
import { type AnswerRules, answerGrammar, assertSchemasBounded, isLaborious } from "./grammar.ts";
import type { GrammarReply } from "./grammar-thread.ts";

const entry = new URL("./grammar-thread.ts", import.meta.url);

/** Time for one grammar; the costliest schemas within the limits of size and depth take about a second. */
const TIME_LIMIT_MS = 1000;
/** Characters of schemas and grammars that are kept: an application asks with the same ones again and again. */
const CACHED_CHARACTERS = 16 * 2 ** 20;

/** Works out grammars on a thread of its own, one after another, so that no schema holds up other requests. */
export class GrammarCompiler {
  readonly #cache = new LRUCache<string, { readonly grammar: string | undefined }>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: ({ grammar }, key) => 1 + key.length + (grammar?.length ?? 0),
  });
  readonly #timeLimitMs: number;
  #worker: Worker | undefined;
  #isReady = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(timeLimitMs: number = TIME_LIMIT_MS) {
    this.#timeLimitMs = timeLimitMs;
  }

  /** GBNF for an answer, undefined where it is free. @throws InvalidRequestError naming the schema and the keyword */
  async compile(rules: AnswerRules): Promise<string | undefined> {
    if (!isLaborious(rules)) return answerGrammar(rules);
    assertSchemasBounded(rules);
    const key = JSON.stringify(rules);
    const known = this.#cache.get(key);
    if (known !== undefined) return known.grammar;
    const turn = this.#last.then(() => this.#ask(rules));
    this.#last = turn.catch(() => {});
    const grammar = await turn;
    this.#cache.set(key, { grammar });
    return grammar;
  }

  /** Refuses GBNF of a client's own that could hold up the engine. @throws InvalidRequestError */
  async check(grammar: string): Promise<void> {
    const form = { type: "grammar", grammar } as const;
    const format = knownFormat("");
    await this.compile({ form, tools: [], format, isThinking: false, mustCall: false, parallel: false });
  }

  async #ask(rules: AnswerRules): Promise<string | undefined> {
    this.#worker ??= new Worker(entry);
    const worker = this.#worker;
    // A thread at work keeps the process alive, an idle one must not.
    worker.ref();
    try {
      if (!this.#isReady) await nextReply(worker);
      this.#isReady = true;
      const reply = nextReply(worker, this.#timeLimitMs);
      worker.postMessage(rules);
      return grammarOf(await reply, rules, this.#timeLimitMs);
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      this.#worker = undefined;
      this.#isReady = false;
      await worker.terminate();
      throw error;
    } finally {
      worker.unref();
    }
  }
}

/** The thread has answered, and is free again. */
class RefusedError extends InvalidRequestError {}

/** The thread's next answer, undefined where it takes longer than `limitMs`. */
async function nextReply(worker: Worker, limitMs?: number): Promise<GrammarReply | undefined> {
  const answer = Promise.withResolvers<GrammarReply | undefined>();
  worker.once("message", answer.resolve).once("error", answer.reject);
  const timer = limitMs === undefined ? undefined : setTimeout(() => answer.resolve(undefined), limitMs);
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    worker.off("message", answer.resolve).off("error", answer.reject);
  }
}

function grammarOf(
  reply: GrammarReply | undefined,
  { form, tools }: AnswerRules,
  limitMs: number,
): string | undefined {
  switch (reply?.type) {
    case "grammar":
      return reply.grammar;
    case "refused":
      throw new RefusedError(reply.message, reply.param === undefined ? {} : { param: reply.param });
    case "ready":
      throw new Error("the thread was ready already");
    case undefined: {
      const path = form.type === "schema" ? form.path : (tools[0]?.path ?? "grammar");
      throw new InvalidRequestError(`${path} is too complex: it takes more than ${limitMs} ms to compile.`, {
        param: path,
      });
    }
  }
}
