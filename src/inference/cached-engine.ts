import { createHash } from "node:crypto";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import type { Cache } from "../platform/cache/cache.ts";
import { type Clock, monotonicMs } from "../platform/clock.ts";
import type {
  Engine,
  GenerationContext,
  GenerationEvent,
  GenerationRequest,
  ModelDescription,
} from "./engine.ts";
import { EngineDecorator } from "./engine-decorator.ts";
import { identityDigest } from "./model-identity.ts";

/** What is kept of a generation. Its times were its own. */
const CachedAnswer = Type.Object({
  text: Type.String(),
  finishReason: Type.Union([Type.Literal("stop"), Type.Literal("length")]),
  stopText: Type.Optional(Type.String()),
  promptTokens: Type.Integer(),
  completionTokens: Type.Integer(),
  reasoningTokens: Type.Integer(),
});
type CachedAnswer = Static<typeof CachedAnswer>;

export interface AnswerCache {
  readonly cache: Cache;
  readonly ttlMs: number;
}

/**
 * An engine that answers a request from a cache when the same one was answered before and its outcome is fixed
 * (`GenerationRequest.reusable`). An answer from the cache says so, and its times are those of finding it.
 */
export class CachedEngine extends EngineDecorator {
  readonly #answers: AnswerCache;
  readonly #clock: Clock;

  constructor(engine: Engine, answers: AnswerCache, clock: Clock = monotonicMs) {
    super(engine);
    this.#answers = answers;
    this.#clock = clock;
  }

  async *generate(
    request: GenerationRequest,
    context: GenerationContext = {},
  ): AsyncIterable<GenerationEvent> {
    if (request.reusable !== true || request.logprobs !== undefined || request.promptLogprobs !== undefined) {
      yield* this.inner.generate(request, context);
      return;
    }
    const { arrivedAt = this.#clock() } = context;
    const key = keyOf(request, this.describe(), context.cacheScope ?? "");
    const found = await this.#find(key);
    if (found !== undefined) {
      yield* replay(found, () => this.#clock() - arrivedAt);
      return;
    }
    let text = "";
    for await (const event of this.inner.generate(request, { ...context, arrivedAt })) {
      if (event.type === "text") text += event.text;
      if (event.type === "done" && event.finishReason !== "cancelled") {
        const { finishReason, stopText, usage } = event;
        const { promptTokens, completionTokens, reasoningTokens } = usage;
        const end = { finishReason, ...(stopText !== undefined && { stopText }) };
        await this.#keep(key, { text, ...end, promptTokens, completionTokens, reasoningTokens });
      }
      yield event;
    }
  }

  async #find(key: string): Promise<CachedAnswer | undefined> {
    const bytes = await this.#answers.cache.get(key);
    return bytes === undefined ? undefined : parse(new TextDecoder().decode(bytes));
  }

  async #keep(key: string, answer: CachedAnswer): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(answer));
    await this.#answers.cache.set(key, bytes, this.#answers.ttlMs);
  }
}

/** Everything that determines the answer: the request and the model as it is run, not how urgently; and who may find it. */
function keyOf({ reusable: _, ...asked }: GenerationRequest, model: ModelDescription, scope: string): string {
  const { seed, constraint, ...rest } = asked.sampling;
  const sampling = { ...rest, constraint: constraint?.key };
  const isGreedy = sampling.temperature === 0;
  const request = { ...asked, sampling: isGreedy ? sampling : { ...sampling, seed } };
  const facts = [identityDigest(model), request, ...(scope === "" ? [] : [scope])];
  return createHash("sha256").update(JSON.stringify(facts)).digest("base64url");
}

/** Undefined for what is not an answer: a shared cache holds what others put there. */
function parse(text: string): CachedAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(CachedAnswer, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function* replay(answer: CachedAnswer, elapsedMs: () => number): AsyncIterable<GenerationEvent> {
  const { text, finishReason, stopText, promptTokens, completionTokens, reasoningTokens } = answer;
  const counts = { promptTokens, completionTokens, reasoningTokens };
  yield { type: "started", promptTokens, cachedPromptTokens: 0 };
  if (text !== "") yield { type: "text", text };
  yield {
    type: "done",
    finishReason,
    ...(stopText !== undefined && { stopText }),
    cached: true,
    usage: { ...counts, cachedPromptTokens: 0, draftedTokens: 0, acceptedTokens: 0 },
    timings: { queueMs: elapsedMs(), prefillMs: 0, decodeMs: 0 },
  };
}
