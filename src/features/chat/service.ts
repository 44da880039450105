import { tooLong } from "../../assistant/length-check.ts";
import type { ChatModel } from "../../assistant/template/chat-model.ts";
import type { ChatMessage } from "../../assistant/template/message.ts";
import { plainPrompt, transcript } from "../../assistant/template/transcript.ts";
import { type Completion, complete, completing, totalMs } from "../../inference/completion.ts";
import type { GenerationRequest, Prompt } from "../../inference/engine.ts";
import { accountField } from "../../telemetry/answer-account.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { account } from "./accounting.ts";
import { CRITIQUE_REQUEST, REWRITE_REQUEST } from "./refine-prompts.ts";
import type { ChatBody, ChatResponse } from "./schema.ts";

/** Answers prompts: one generation, or a draft that is critiqued and rewritten. */
export class ChatService {
  readonly #model: ChatModel;
  readonly #randomSeed: () => number;

  /** `randomSeed` draws a 32-bit seed for requests that give none. */
  constructor(model: ChatModel, randomSeed: () => number) {
    this.#model = model;
    this.#randomSeed = randomSeed;
  }

  /** Answers `body`: the final pass's text piece by piece, then the whole response. */
  answer(body: ChatBody, context: RequestContext): AsyncGenerator<string, ChatResponse> {
    return body.mode === "refine" ? this.#refine(body, context) : this.#single(body, context);
  }

  async *#single(body: ChatBody, context: RequestContext): AsyncGenerator<string, ChatResponse> {
    const { engine, template } = this.#model;
    const refusal = tooLong([user(body.prompt)], 1, engine.describe().contextWindow);
    if (refusal !== undefined) throw refusal;
    const prompt = body.raw === true ? plainPrompt(body.prompt) : template.render([user(body.prompt)]);
    const pass = yield* completing(engine, this.#request(body, prompt), context);
    return { ...this.#response([pass], pass, context), ...accountField(body, context) };
  }

  /** Each round is a critique of the latest answer and its rewrite, as turns of one conversation: every pass reuses the prefix of the one before. */
  async *#refine(body: ChatBody, context: RequestContext): AsyncGenerator<string, ChatResponse> {
    const steps = body.refine_steps ?? 1;
    const passes: Completion[] = [];
    const messages: ChatMessage[] = [user(body.prompt)];
    const next = (temperature = 0.2): Parameters<typeof completing> => {
      // A pass begins where the one before ended: the parts of the latency must add up.
      const arrivedAt = context.arrivedAt + passes.reduce((sum, pass) => sum + totalMs(pass.timings), 0);
      const prompt = body.raw === true ? transcript(messages) : this.#model.template.render(messages);
      return [this.#model.engine, this.#request({ ...body, temperature }, prompt), { ...context, arrivedAt }];
    };
    const take = (pass: Completion): Completion => {
      passes.push(pass);
      messages.push({ role: "assistant", content: pass.text });
      return pass;
    };
    const draft = take(await complete(...next(body.temperature)));
    let answer = draft;
    let critique: Completion | undefined;
    let used = 0;
    while (used < steps && answer.finishReason !== "cancelled") {
      messages.push(user(CRITIQUE_REQUEST));
      critique = take(await complete(...next(body.critique_temperature)));
      messages.push(user(REWRITE_REQUEST));
      used++;
      const rewrite = next(body.temperature);
      answer = take(used === steps ? yield* completing(...rewrite) : await complete(...rewrite));
    }
    return {
      ...this.#response(passes, answer, context),
      refined: true,
      original_response: draft.text,
      critique: critique?.text ?? null,
      refine_steps_used: used,
      ...accountField(body, context),
    };
  }

  #request(body: ChatBody, prompt: Prompt): GenerationRequest {
    const { temperature = 0.2, top_p = 0.95, top_k, min_p, repeat_penalty, seed, stop = [] } = body;
    // null is all that fit the window, which is what the engine takes no limit for.
    const maxTokens = body.max_new_tokens === undefined ? 160 : body.max_new_tokens;
    return {
      prompt,
      ...(maxTokens !== null && { maxTokens }),
      sampling: {
        temperature,
        topP: top_p,
        ...(top_k !== undefined && { topK: top_k }),
        ...(min_p !== undefined && { minP: min_p }),
        ...(repeat_penalty !== undefined && { repeatPenalty: repeat_penalty }),
        seed: seed ?? this.#randomSeed(),
      },
      reusable: temperature === 0 || seed !== undefined,
      ...(body.reproducible === true && { reproducible: true as const }),
      stop: typeof stop === "string" ? [stop] : stop,
    };
  }

  #response(passes: readonly Completion[], answer: Completion, context: RequestContext): ChatResponse {
    return {
      response: answer.text,
      ...account(passes, this.#model.engine.describe()),
      request_id: context.requestId,
      refined: false,
      original_response: null,
      critique: null,
      refine_steps_used: 0,
      finish_reason: answer.finishReason,
    };
  }
}

function user(content: string): ChatMessage {
  return { role: "user", content };
}
