import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { InvalidRequestError } from "../errors.ts";
import type { Constraint, Form } from "../inference/constraints/expression.ts";
import {
  type AnswerRules,
  answerConstraint,
  assertSchemasBounded,
  isLaborious,
} from "./answer-constraint.ts";
import type { ConstraintReply } from "./constraint-thread.ts";
import { knownFormat } from "./formats/known-formats.ts";

const entry = new URL("./constraint-thread.ts", import.meta.url);

/** Time for one form; the costliest schemas within the limits of size and work take about a quarter of it. */
const TIME_LIMIT_MS = 1000;
/** Forms that are kept, and characters of what they were made of: an application asks with the same ones again. */
const CACHED_FORMS = 256;
const CACHED_CHARACTERS = 16 * 2 ** 20;

interface Waiting {
  readonly rules: AnswerRules;
  /** Characters of the rules: what is short does not wait for what is long. */
  readonly size: number;
  readonly answer: PromiseWithResolvers<Form | undefined>;
}

/** Works out what answers are held to, on a thread of its own, so that no schema holds up other requests. */
export class ConstraintCompiler {
  readonly #cache = new LRUCache<string, { readonly constraint: Constraint | undefined }>({
    max: CACHED_FORMS,
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_, key) => 1 + key.length,
  });
  readonly #timeLimitMs: number;
  readonly #waiting: Waiting[] = [];
  readonly #underWay = new Map<string, Promise<Form | undefined>>();
  #worker: Worker | undefined;
  #isReady = false;
  #isBusy = false;

  constructor(timeLimitMs: number = TIME_LIMIT_MS) {
    this.#timeLimitMs = timeLimitMs;
  }

  /** Undefined where the answer is free. @throws InvalidRequestError naming the schema and the keyword */
  async compile(rules: AnswerRules): Promise<Constraint | undefined> {
    assertSchemasBounded(rules);
    const text = JSON.stringify(rules);
    const known = this.#cache.get(text);
    if (known !== undefined) return known.constraint;
    const form = isLaborious(rules) ? await this.#elsewhere(rules, text) : answerConstraint(rules);
    const key = createHash("sha256").update(text).digest("base64url");
    const constraint = form && { key, form };
    this.#cache.set(text, { constraint });
    return constraint;
  }

  /** The constraint that GBNF of a client's own is. @throws InvalidRequestError */
  async grammar(grammar: string): Promise<Constraint | undefined> {
    const form = { type: "grammar", grammar } as const;
    const format = knownFormat("");
    return this.compile({
      form,
      tools: [],
      format,
      isThinking: false,
      isSpeaking: false,
      begunOpening: 0,
      mustCall: false,
      parallel: false,
    });
  }

  /** Once for equal rules that are asked for at the same time. */
  #elsewhere(rules: AnswerRules, text: string): Promise<Form | undefined> {
    let form = this.#underWay.get(text);
    if (form === undefined) {
      const answer = Promise.withResolvers<Form | undefined>();
      form = answer.promise;
      this.#underWay.set(text, form);
      this.#waiting.push({ rules, size: text.length, answer });
      void this.#work();
      const forget = () => this.#underWay.delete(text);
      form.then(forget, forget);
    }
    return form;
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const next = this.#waiting.reduce((least, other) => (other.size < least.size ? other : least));
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      await this.#ask(next.rules).then(next.answer.resolve, next.answer.reject);
    }
    this.#isBusy = false;
  }

  async #ask(rules: AnswerRules): Promise<Form | undefined> {
    this.#worker ??= new Worker(entry);
    const worker = this.#worker;
    // A thread at work keeps the process alive, an idle one must not.
    worker.ref();
    try {
      if (!this.#isReady) await nextReply(worker);
      this.#isReady = true;
      const reply = nextReply(worker, this.#timeLimitMs);
      worker.postMessage(rules);
      return formOf(await reply, rules, this.#timeLimitMs);
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
async function nextReply(worker: Worker, limitMs?: number): Promise<ConstraintReply | undefined> {
  const answer = Promise.withResolvers<ConstraintReply | undefined>();
  worker.once("message", answer.resolve).once("error", answer.reject);
  const timer = limitMs === undefined ? undefined : setTimeout(() => answer.resolve(undefined), limitMs);
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    worker.off("message", answer.resolve).off("error", answer.reject);
  }
}

function formOf(
  reply: ConstraintReply | undefined,
  { form, tools }: AnswerRules,
  limitMs: number,
): Form | undefined {
  switch (reply?.type) {
    case "form":
      return reply.form;
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
