import type { ChatModel } from "../../../assistant/template/chat-model.ts";
import { plainPrompt } from "../../../assistant/template/transcript.ts";
import { totalMs } from "../../../inference/completion.ts";
import type {
  EngineState,
  GenerationEvent,
  GenerationRequest,
  Prompt,
  ScoredToken,
} from "../../../inference/engine.ts";
import { JUDGE_MAX_TOKENS, judgeConstraint } from "../judge-prompt.ts";
import { type AnswerToken, expectedScore, needsAfterOne, scorePlace } from "./expected-score.ts";
import type { JudgeAnswer, JudgeContext, JudgeModel, JudgeStatus } from "./judge-model.ts";

/** Likeliest tokens to look at in each place: the ten scores in all their spellings, and some that are none. */
const TOP_TOKENS = 32;

type Done = Extract<GenerationEvent, { type: "done" }>;

interface Generated {
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly done: Done;
}

/** A model of this machine as judge. A constraint holds its output to the form. */
export class EngineJudge implements JudgeModel {
  readonly #model: ChatModel;

  constructor(model: ChatModel) {
    this.#model = model;
  }

  get name(): string {
    return this.#model.engine.describe().name;
  }

  get fingerprint(): string {
    return this.#model.engine.describe().weights;
  }

  get isReady(): boolean {
    return this.#model.engine.state.status === "ready";
  }

  get status(): JudgeStatus {
    return describeState(this.#model.engine.state);
  }

  async ask(question: string, context: JudgeContext): Promise<JudgeAnswer> {
    const prompt = this.#render(question);
    const answer = await this.#generate(
      {
        prompt,
        maxTokens: JUDGE_MAX_TOKENS,
        sampling: { temperature: 0, seed: 0, constraint: judgeConstraint },
        stop: [],
        logprobs: TOP_TOKENS,
      },
      context,
    );
    const place = scorePlace(answer.tokens);
    const after =
      place?.one !== undefined && needsAfterOne(place)
        ? await this.#after(prompt, place.one.tokens, {
            ...context,
            // It begins where the answer ended: the parts of the latency must add up.
            arrivedAt: context.arrivedAt + totalMs(answer.done.timings),
          })
        : undefined;
    const passes = after === undefined ? [answer] : [answer, after];
    const total = (of: "promptTokens" | "cachedPromptTokens" | "completionTokens") =>
      passes.reduce((sum, { done }) => sum + done.usage[of], 0);
    return {
      text: answer.text,
      expectedScore:
        place === undefined
          ? undefined
          : expectedScore(place, after === undefined ? place.afterOne : after.tokens[0]),
      usage: {
        promptTokens: total("promptTokens"),
        cachedPromptTokens: total("cachedPromptTokens"),
        completionTokens: total("completionTokens"),
      },
      latencyMs: passes.reduce((sum, { done }) => sum + totalMs(done.timings), 0),
      timings: {
        queueMs: passes.reduce((sum, { done }) => sum + done.timings.queueMs, 0),
        prefillMs: passes.reduce((sum, { done }) => sum + done.timings.prefillMs, 0),
        decodeMs: passes.reduce((sum, { done }) => sum + done.timings.decodeMs, 0),
      },
    };
  }

  close(timeoutMs: number): Promise<void> {
    return this.#model.engine.close(timeoutMs);
  }

  #render(question: string): Prompt {
    const template = this.#model.template;
    return template.hasTemplate
      ? template.render([{ role: "user", content: question }])
      : plainPrompt(`${question}\nAnswer: `);
  }

  /** The token that would follow an answer that began with `tokens`. */
  #after(prompt: Prompt, tokens: readonly number[], context: JudgeContext): Promise<Generated> {
    return this.#generate(
      {
        prompt: { ...prompt, parts: [...prompt.parts, { type: "tokens", tokens }] },
        maxTokens: 1,
        sampling: { temperature: 0, seed: 0 },
        stop: [],
        logprobs: TOP_TOKENS,
      },
      context,
    );
  }

  async #generate(request: GenerationRequest, context: JudgeContext): Promise<Generated> {
    let text = "";
    const tokens: ScoredToken[] = [];
    for await (const event of this.#model.engine.generate(request, context)) {
      if (event.type === "text") {
        text += event.text;
        tokens.push(...(event.tokens ?? []));
      } else if (event.type === "done") {
        const scored = tokens.filter(
          (token): token is ScoredToken & AnswerToken => token.logprob !== undefined,
        );
        return { text, tokens: scored, done: event };
      }
    }
    throw new Error("the engine ended a generation without saying how");
  }
}

function describeState(state: EngineState): JudgeStatus {
  switch (state.status) {
    case "unloaded":
    case "preparing":
      return { state: "loading" };
    case "failed":
      return { state: "failed", message: state.message };
    case "draining":
      return { state: "stopped" };
    default:
      return { state: state.status };
  }
}
