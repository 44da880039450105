import { interleave } from "../../../assistant/choices.ts";
import type { ConstraintCompiler } from "../../../assistant/constraint-compiler.ts";
import type { Engine, GenerationEvent, Prompt } from "../../../inference/engine.ts";
import { newId } from "../../../platform/ids.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import { accountField } from "../../../telemetry/answer-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { namingFields } from "../../field-names.ts";
import { noteInLog, notHonoured } from "../../notes.ts";
import { unixSeconds } from "../../unix-seconds.ts";
import { cachedField, type Pass, systemFingerprint, toTimings, toUsage } from "../accounting.ts";
import { askedForm } from "../answer-form.ts";
import { progressFields, reporting } from "../progress.ts";
import { CompletionAnswer, tokensText, toLogprobs } from "./answer.ts";
import { type CompletionPlan, toPlan } from "./request.ts";
import type { Completion, CompletionBody, CompletionChoice } from "./schema.ts";

interface AnswerEvent {
  readonly prompt: number;
  /** Index among all answers of the request. */
  readonly answer: number;
  readonly event: GenerationEvent;
}

/** `POST /v1/completions`, whole and as a stream: text continued as it is, with no template. */
export class Completions {
  readonly #engine: Engine;
  readonly #randomSeed: () => number;
  readonly #constraints: ConstraintCompiler;

  constructor({ engine }: ServedModel, constraints: ConstraintCompiler, randomSeed: () => number) {
    this.#engine = engine;
    this.#constraints = constraints;
    this.#randomSeed = randomSeed;
  }

  async complete(body: CompletionBody, context: RequestContext): Promise<Completion> {
    const head = this.#head(body);
    const plan = await this.#plan(body, context);
    const echoes = await this.#echoes(body, plan);
    const hasLogprobs = isSet(body.logprobs);
    const answers = echoes.map((echo) =>
      Array.from({ length: plan.made }, () => new CompletionAnswer(echo, hasLogprobs)),
    );
    for await (const { prompt, answer, event } of this.#events(plan, context))
      answers[prompt]?.[answer % plan.made]?.take(event);
    const kept = answers.flatMap((made) => best(made, plan.returned));
    const passes = answers.map((made) => made.map(({ pass }) => pass));
    return {
      ...head,
      choices: kept.map((answer, index) => answer.choice(index)),
      usage: toUsage(passes),
      timings: toTimings(passes.flat()),
      ...accountField(body, context),
      ...cachedField(passes.flat()),
      ...notHonoured(plan.notes),
    };
  }

  async *stream(body: CompletionBody, context: RequestContext): AsyncIterable<Completion> {
    const head = this.#head(body);
    const plan = await this.#plan(body, context);
    const echoes = await this.#echoes(body, plan);
    const wantsUsage = body.stream_options?.include_usage === true;
    const offsets = new Map<number, number>();
    const passes: Pass[][] = plan.requests.map(() => []);
    const chunk = (choice: CompletionChoice, rest: Partial<Completion> = {}): Completion => ({
      ...head,
      choices: [choice],
      ...(wantsUsage && { usage: null }),
      ...rest,
    });
    for await (const { prompt, answer, event } of this.#events(plan, reporting(body, context))) {
      if (event.type === "progress") {
        const none = { index: answer, text: "", logprobs: null, finish_reason: null };
        yield chunk(none, progressFields(event.progress));
        continue;
      }
      let offset = offsets.get(answer);
      const echo = echoes[prompt] ?? "";
      if (offset === undefined) {
        offset = echo.length;
        offsets.set(answer, offset);
        const logprobs =
          event.type === "prompt"
            ? toLogprobs(event.tokens, echo.length - tokensText(event.tokens).length)
            : null;
        if (echo !== "") yield chunk({ index: answer, text: echo, logprobs, finish_reason: null });
      }
      if (event.type === "text") {
        const logprobs = isSet(body.logprobs) ? toLogprobs(event.tokens ?? [], offset) : null;
        offsets.set(answer, offset + event.text.length);
        yield chunk({ index: answer, text: event.text, logprobs, finish_reason: null });
      } else if (event.type === "done") {
        passes[prompt]?.push(event);
        const finishReason = event.finishReason === "length" ? "length" : "stop";
        yield chunk(
          { index: answer, text: "", logprobs: null, finish_reason: finishReason },
          { timings: toTimings([event]), ...cachedField([event]), ...notHonoured(plan.notes) },
        );
      }
    }
    const last = { ...(wantsUsage && { usage: toUsage(passes) }), ...accountField(body, context) };
    if (Object.keys(last).length > 0) yield { ...head, choices: [], ...last };
  }

  async #plan(body: CompletionBody, { signal, account }: RequestContext): Promise<CompletionPlan> {
    const constraint = await this.#constraints.compileText(askedForm(body), signal);
    const plan = toPlan(body, this.#engine.describe(), this.#randomSeed, constraint);
    noteInLog(account, plan.notes);
    return plan;
  }

  /** All generations of the request, side by side as far as there are sequences; those of one prompt share its prefill. */
  async *#events(plan: CompletionPlan, context: RequestContext): AsyncIterable<AnswerEvent> {
    const controller = new AbortController();
    const signal = AbortSignal.any([context.signal, controller.signal]);
    const sources = plan.requests.flatMap((request) =>
      Array.from({ length: plan.made }, (_, answer) => {
        const seed = (request.sampling.seed + answer) % 2 ** 32;
        return this.#engine.generate(
          { ...request, sampling: { ...request.sampling, seed } },
          { ...context, signal },
        );
      }),
    );
    try {
      // More at once would only wait in the queue, and fill it.
      const { sequences } = this.#engine.describe();
      const names = { prompt: "prompt", maxTokens: "max_tokens" };
      for await (const { index, value } of namingFields(interleave(sources, sequences), names)) {
        const prompt = Math.floor(index / plan.made);
        yield { prompt, answer: index, event: value };
      }
    } finally {
      controller.abort();
    }
  }

  /** Texts of the prompts, as answers that echo them begin. */
  async #echoes(body: CompletionBody, plan: CompletionPlan): Promise<readonly string[]> {
    return Promise.all(
      plan.requests.map(({ prompt }) => (body.echo === true ? this.#textOf(prompt) : Promise.resolve(""))),
    );
  }

  async #textOf({ parts: [part] }: Prompt): Promise<string> {
    if (part === undefined) return "";
    return part.type === "text" ? part.text : this.#engine.detokenize(part.tokens);
  }

  #head(body: CompletionBody) {
    const model = this.#engine.describe();
    return {
      id: newId("cmpl-"),
      object: "text_completion" as const,
      created: unixSeconds(),
      model: body.model ?? model.name,
      system_fingerprint: systemFingerprint(model),
    };
  }
}

/** The answers with the highest likelihood per token, in the order they were made when all are wanted. */
function best(answers: readonly CompletionAnswer[], count: number): readonly CompletionAnswer[] {
  if (count >= answers.length) return answers;
  return answers.toSorted((a, b) => b.meanLogprob - a.meanLogprob).slice(0, count);
}
