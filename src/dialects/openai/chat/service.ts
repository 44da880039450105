import type { Assistant, PlannedTurn } from "../../../assistant/assistant.ts";
import { choices } from "../../../assistant/choices.ts";
import { newId } from "../../../platform/ids.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import { accountField } from "../../../telemetry/answer-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { namingFields } from "../../field-names.ts";
import { type Note, noteInLog, notesOfChanges, notHonoured } from "../../notes.ts";
import { unixSeconds } from "../../unix-seconds.ts";
import { cachedField, type Pass, systemFingerprint, toTimings, toUsage } from "../accounting.ts";
import { progressFields, reporting } from "../progress.ts";
import type { KeptCompletions } from "./kept-completions.ts";
import { ChoiceDeltas, ChoiceMessage, choiceOf } from "./output.ts";
import { toRequest } from "./request.ts";
import type { ChatCompletion, ChatCompletionBody, ChatCompletionChunk } from "./schema.ts";

type Head = Omit<ChatCompletion, "object" | "choices" | "usage" | "timings">;
type Choice = ChatCompletionChunk["choices"][number];

/** `POST /v1/chat/completions`, whole and as a stream. */
export class ChatCompletions {
  readonly #assistant: Assistant;
  readonly #model: ServedModel;
  readonly #kept: KeptCompletions;

  constructor(model: ServedModel, kept: KeptCompletions) {
    this.#assistant = model.assistant;
    this.#model = model;
    this.#kept = kept;
  }

  async complete(body: ChatCompletionBody, context: RequestContext): Promise<ChatCompletion> {
    const head = this.#head(body);
    const { plan, notes, calls } = await this.#plan(body, context);
    const answers = Array.from({ length: body.n ?? 1 }, () => new ChoiceMessage(calls));
    for await (const { choice, event } of this.#events(body, plan, context)) answers[choice]?.take(event);
    return this.#whole(head, answers, notes, body, context);
  }

  /** The completion that the choices make, which is kept where the client asked for that. */
  async #whole(
    head: Head,
    answers: readonly ChoiceMessage[],
    notes: readonly Note[],
    body: ChatCompletionBody,
    context: RequestContext,
  ): Promise<ChatCompletion> {
    const passes = answers.map((answer) => answer.pass);
    const completion: ChatCompletion = {
      ...head,
      object: "chat.completion",
      choices: answers.map((answer, index) => answer.choice(index, body.logprobs === true)),
      usage: toUsage([passes]),
      timings: toTimings(passes),
      ...accountField(body, context),
      ...cachedField(passes),
      ...notHonoured(notes),
    };
    if (body.store === true && this.#kept.isOn) await this.#kept.keep(completion, body);
    return completion;
  }

  /** The reference's order: role, deltas, finish reason of each choice, then usage where it was asked for. */
  async *stream(body: ChatCompletionBody, context: RequestContext): AsyncIterable<ChatCompletionChunk> {
    const wantsUsage = body.stream_options?.include_usage === true;
    const started = this.#head(body);
    const head = { ...started, object: "chat.completion.chunk" as const };
    const chunk = (choice: Choice, rest: Partial<ChatCompletionChunk> = {}): ChatCompletionChunk => ({
      ...head,
      choices: [choice],
      ...(wantsUsage && { usage: null }),
      ...rest,
    });
    const { plan, notes, calls } = await this.#plan(body, context);
    const deltas = Array.from({ length: body.n ?? 1 }, () => new ChoiceDeltas(calls));
    const kept = body.store === true ? deltas.map(() => new ChoiceMessage(calls)) : [];
    const passes: Pass[] = [];
    for await (const { choice: index, event } of this.#events(body, plan, reporting(body, context))) {
      if (event.type === "progress") {
        yield chunk(choiceOf(index, {}), progressFields(event.progress));
        continue;
      }
      kept[index]?.take(event);
      if (event.type === "done") passes.push(event);
      for (const delta of deltas[index]?.take(event) ?? []) {
        const scores = event.type === "delta" && delta.content !== undefined ? event.tokens : undefined;
        yield chunk(choiceOf(index, delta, body.logprobs === true ? scores : undefined));
      }
      if (event.type === "done") {
        yield chunk(
          { ...choiceOf(index, {}), finish_reason: calls.finishReason(event) },
          { timings: toTimings([event]), ...cachedField([event]), ...notHonoured(notes) },
        );
      }
    }
    if (kept.length > 0) await this.#whole(started, kept, notes, body, context);
    const last = { ...(wantsUsage && { usage: toUsage([passes]) }), ...accountField(body, context) };
    if (Object.keys(last).length > 0) yield { ...head, choices: [], ...last };
  }

  async #plan(body: ChatCompletionBody, context: RequestContext) {
    const { turn, notes: found, calls } = toRequest(body);
    const isLost = body.store === true && !this.#kept.isOn;
    const plan = await this.#assistant.plan(turn, context.signal);
    const notes = [
      ...found,
      ...(isLost ? [{ param: "store", reason: "nothing is stored here" }] : []),
      ...notesOfChanges(plan.changes, "messages"),
    ];
    noteInLog(context.account, notes);
    return { plan, notes, calls };
  }

  async *#events(body: ChatCompletionBody, plan: PlannedTurn, context: RequestContext) {
    const names = {
      prompt: "messages",
      maxTokens: body.max_completion_tokens == null ? "max_tokens" : "max_completion_tokens",
    };
    yield* namingFields(choices(this.#assistant, plan, body.n ?? 1, context), names);
  }

  #head(body: ChatCompletionBody): Head {
    const model = this.#model.engine.describe();
    return {
      id: newId("chatcmpl-"),
      created: unixSeconds(),
      model: body.model ?? model.name,
      service_tier: "default",
      system_fingerprint: systemFingerprint(model),
    };
  }
}
