import type { Engine, GenerationEvent, GenerationRequest, Prompt } from "../../inference/engine.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { accountField } from "../../telemetry/answer-account.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { namingFields } from "../field-names.ts";
import { foreignFieldsBut } from "../foreign-fields.ts";
import { noteInLog, notHonoured } from "../notes.ts";
import { cachedField, toTimings } from "../openai/accounting.ts";
import { infillPrompt } from "../openai/completions/infill.ts";
import { isReusable, toSampling, toStop } from "../openai/sampling.ts";
import { accountFor } from "../refusals.ts";
import type { InfillAnswer, InfillBody } from "./schema.ts";

const unsupported = foreignFieldsBut();

/** A piece of the gap's text. */
export interface InfillPiece {
  readonly index: 0;
  readonly content: string;
  readonly stop: false;
}

/** `POST /infill`: fills the gap between two pieces of code, in the shape of llama.cpp's server. */
export class Infill {
  readonly #engine: Engine;
  readonly #randomSeed: () => number;

  constructor(engine: Engine, randomSeed: () => number) {
    this.#engine = engine;
    this.#randomSeed = randomSeed;
  }

  async complete(body: InfillBody, context: RequestContext): Promise<InfillAnswer> {
    let content = "";
    for await (const event of this.#events(body, context)) {
      if (event.type === "text") content += event.text;
      if (event.type === "done") return this.#answer(body, content, event, context);
    }
    throw new Error("a generation ended without saying how");
  }

  async *stream(body: InfillBody, context: RequestContext): AsyncIterable<InfillPiece | InfillAnswer> {
    for await (const event of this.#events(body, context)) {
      if (event.type === "text") yield { index: 0, content: event.text, stop: false };
      if (event.type === "done") yield this.#answer(body, "", event, context);
    }
  }

  #events(body: InfillBody, context: RequestContext): AsyncIterable<GenerationEvent> {
    const { seed = this.#randomSeed(), ...sampling } = toSampling(body);
    noteInLog(context.account, accountFor(body, unsupported));
    const { n_predict: limit } = body;
    const request: GenerationRequest = {
      prompt: this.#prompt(body),
      ...(isSet(limit) && limit >= 0 && { maxTokens: Math.max(1, limit) }),
      endsAtWindow: true,
      sampling: { ...sampling, seed },
      stop: toStop(body.stop),
      reusable: isReusable(body),
    };
    const names = { prompt: "input_prefix", maxTokens: "n_predict" };
    return namingFields(this.#engine.generate(request, context), names);
  }

  /** Other files first, then what stands around the gap, then how its text begins. */
  #prompt({ input_prefix, input_suffix, input_extra, prompt }: InfillBody): Prompt {
    const { specialTexts } = this.#engine.describe();
    const around = infillPrompt(input_prefix, input_suffix, specialTexts, "input_suffix");
    const code = (text: string) => ({ type: "text" as const, text, parseSpecial: false });
    const extra = (input_extra ?? []).map(({ filename, text }) =>
      code(isSet(filename) ? `--- ${filename} ---\n${text}\n\n` : `${text}\n\n`),
    );
    const begun = isSet(prompt) && prompt !== "" ? [code(prompt)] : [];
    return { ...around, parts: [...extra, ...around.parts, ...begun] };
  }

  #answer(
    body: InfillBody,
    content: string,
    end: Extract<GenerationEvent, { type: "done" }>,
    context: RequestContext,
  ): InfillAnswer {
    const { usage, stopText, finishReason } = end;
    return {
      index: 0,
      content,
      stop: true,
      model: body.model ?? this.#engine.describe().name,
      tokens_predicted: usage.completionTokens,
      tokens_evaluated: usage.promptTokens,
      tokens_cached: usage.cachedPromptTokens,
      stop_type: finishReason === "length" ? "limit" : stopText === undefined ? "eos" : "word",
      stopping_word: stopText ?? "",
      truncated: false,
      timings: toTimings([end]),
      ...cachedField([end]),
      ...notHonoured(accountFor(body, unsupported)),
      ...accountField(body, context),
    };
  }
}
