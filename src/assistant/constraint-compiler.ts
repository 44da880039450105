import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { InvalidRequestError } from "../errors.ts";
import type { Constraint, Form } from "../inference/constraints/expression.ts";
import {
  type AnswerRules,
  answerConstraint,
  assertSchemasBounded,
  isLaborious,
} from "./answer-constraint.ts";
import { CompilingThread } from "./compiling-thread.ts";
import type { ConstraintReply } from "./constraint-thread.ts";
import { knownFormat } from "./formats/known-formats.ts";
import type { AnswerForm } from "./turn.ts";

/** Time for one form: its refusal must come within a second; the costliest schemas of the wild take a third of it. */
const TIME_LIMIT_MS = 600;
/** Forms that are kept, and characters of what they were made of: an application asks with the same ones again. */
const CACHED_FORMS = 256;
const CACHED_CHARACTERS = 16 * 2 ** 20;

/** A form to work out, for all who ask for an equal one at the same time. */
class Job {
  readonly rules: AnswerRules;
  /** Characters of the rules: what is short does not wait for what is long. */
  readonly size: number;
  readonly answer = Promise.withResolvers<Form | undefined>();
  readonly #abandonment = new AbortController();
  #asking = 0;

  constructor(rules: AnswerRules, size: number) {
    this.rules = rules;
    this.size = size;
  }

  /** Aborted once all requests that asked have gone. */
  get abandoned(): AbortSignal {
    return this.#abandonment.signal;
  }

  /** The answer, for one who asks until `signal` is aborted. */
  async join(signal: AbortSignal | undefined): Promise<Form | undefined> {
    signal?.throwIfAborted();
    this.#asking++;
    const gone = Promise.withResolvers<never>();
    const leave = () => {
      if (--this.#asking === 0) this.#abandonment.abort();
      gone.reject(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([this.answer.promise, gone.promise]);
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }
}

/** What came of a form that was worked out. That it took too long is not kept: another hour it may not. */
type Outcome =
  | { readonly constraint: Constraint | undefined; readonly refusal?: never }
  | { readonly refusal: RefusedError };

/** Works out what answers are held to, on a separate thread: no schema holds up other requests. */
export class ConstraintCompiler {
  readonly #cache = new LRUCache<string, Outcome>({
    max: CACHED_FORMS,
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_, key) => 1 + key.length,
  });
  readonly #timeLimitMs: number;
  #waiting: Job[] = [];
  readonly #underWay = new Map<string, Job>();
  #thread: CompilingThread | undefined;
  #isBusy = false;

  constructor(timeLimitMs: number = TIME_LIMIT_MS) {
    this.#timeLimitMs = timeLimitMs;
  }

  /** Starts the thread before the first form needs it: on a busy machine that takes longer than most forms. */
  start(): void {
    this.#thread ??= new CompilingThread();
  }

  /**
   * Undefined where the answer is free. Work whose last caller has left is given up.
   * @throws InvalidRequestError naming the schema and the keyword
   */
  async compile(rules: AnswerRules, signal?: AbortSignal): Promise<Constraint | undefined> {
    assertSchemasBounded(rules);
    const text = JSON.stringify(rules);
    const known = this.#cache.get(text);
    if (known?.refusal !== undefined) throw known.refusal;
    if (known !== undefined) return known.constraint;
    try {
      const form = isLaborious(rules) ? await this.#elsewhere(rules, text, signal) : answerConstraint(rules);
      const key = createHash("sha256").update(text).digest("base64url");
      const constraint = form && { key, form };
      this.#cache.set(text, { constraint });
      return constraint;
    } catch (refusal) {
      if (refusal instanceof RefusedError) this.#cache.set(text, { refusal });
      throw refusal;
    }
  }

  /** What a text is held to that is no chat's. @throws InvalidRequestError */
  async compileText(form: AnswerForm, signal?: AbortSignal): Promise<Constraint | undefined> {
    const format = knownFormat("");
    const rules = {
      form,
      tools: [],
      format,
      isThinking: false,
      isSpeaking: false,
      begunOpening: 0,
      mustCall: false,
      parallel: false,
    };
    return this.compile(rules, signal);
  }

  /** Once for equal rules that are asked for at the same time. */
  #elsewhere(rules: AnswerRules, text: string, signal: AbortSignal | undefined): Promise<Form | undefined> {
    const known = this.#underWay.get(text);
    if (known !== undefined && !known.abandoned.aborted) return known.join(signal);
    const job = new Job(rules, text.length);
    this.#underWay.set(text, job);
    const answer = job.join(signal);
    const forget = () => {
      if (this.#underWay.get(text) === job) this.#underWay.delete(text);
    };
    job.abandoned.addEventListener("abort", () => {
      forget();
      this.#waiting = this.#waiting.filter((other) => other !== job);
    });
    job.answer.promise.then(forget, forget);
    this.#waiting.push(job);
    void this.#work();
    return answer;
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const next = this.#waiting.reduce((least, other) => (other.size < least.size ? other : least));
      this.#waiting = this.#waiting.filter((other) => other !== next);
      await this.#ask(next).then(next.answer.resolve, next.answer.reject);
    }
    this.#isBusy = false;
  }

  async #ask({ rules, abandoned }: Job): Promise<Form | undefined> {
    this.#thread ??= new CompilingThread();
    const thread = this.#thread;
    try {
      const reply = await thread.ask(rules, { limitMs: this.#timeLimitMs, abandoned });
      if (reply === undefined) await this.#end(thread);
      return formOf(reply, rules, this.#timeLimitMs);
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) await this.#end(thread);
      throw error;
    }
  }

  async #end(thread: CompilingThread): Promise<void> {
    this.#thread = undefined;
    await thread.end();
  }
}

/** What a form is refused for whenever it is asked for. */
class RefusedError extends InvalidRequestError {}

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
    case "stopped":
    case undefined: {
      const path = "path" in form ? form.path : (tools[0]?.path ?? "tools");
      throw new InvalidRequestError(`${path} is too complex: it takes more than ${limitMs} ms to compile.`, {
        param: path,
      });
    }
  }
}
