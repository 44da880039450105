import type { ChatModel } from "../../../assistant/template/chat-model.ts";
import { type Completion, completing } from "../../../inference/completion.ts";
import type { Engine } from "../../../inference/engine.ts";
import { monotonicMs } from "../../../platform/clock.ts";
import { accountField } from "../../../telemetry/answer-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { account } from "../../chat/accounting.ts";
import type { Citation, RagAnswer, RagBody, SearchBody } from "../schema.ts";
import type { CorpusSearch, SearchResult } from "../search/search.ts";
import { fitPrompt } from "./context.ts";
import { citedPassages, NOTHING_FOUND } from "./prompt.ts";

export interface RagServiceOptions {
  readonly model: ChatModel;
  readonly search: CorpusSearch;
  /** Draws a 32-bit seed for requests that give none. */
  readonly randomSeed: () => number;
}

/** Answers questions from the passages that a search finds. */
export class RagService {
  readonly #options: RagServiceOptions;

  constructor(options: RagServiceOptions) {
    this.#options = options;
  }

  /** The answer's text piece by piece, then all of it with its sources. */
  async *answer(body: RagBody, context: RequestContext): AsyncGenerator<string, RagAnswer> {
    const { requestId, signal } = context;
    const { query, dataset_id, top_k = 5, method = "hybrid" } = body;
    const { search } = this.#options;
    // Without a model no answer is possible, whatever is found.
    const model = this.#options.model.engine.describe();
    const startedAt = monotonicMs();
    const found = await search.search(dataset_id, { question: query, method, limit: top_k, signal });
    const retrievalMs = monotonicMs() - startedAt;

    const { text, passages, completion } =
      found.chunks.length === 0 ? yield* this.#nothing() : yield* this.#generate(body, found, context);
    const citations = cite(found, passages, dataset_id, text);
    context.account.note({
      model: model.name,
      retrieval_ms: Number(retrievalMs.toFixed(1)),
      passages: citations.length,
    });
    return {
      answer: text,
      response: text,
      citations,
      retrieved_chunks: citations,
      retrieval: {
        dataset_id,
        top_k,
        method,
        latency_ms: Number(retrievalMs.toFixed(1)),
        reranked: found.reranked,
        below_floor: found.belowFloor,
        dropped_chunks: found.chunks.length - passages,
      },
      generation: generationOf(completion, model),
      ...accountField(body, context),
      request_id: requestId,
    };
  }

  /** The passages that fit a question, best first; nothing is answered from them. */
  async search(
    { query, dataset_id: datasetId, top_k: limit = 5, method = "hybrid" }: SearchBody,
    { signal }: Pick<RequestContext, "signal">,
  ): Promise<Citation[]> {
    const found = await this.#options.search.search(datasetId, { question: query, method, limit, signal });
    return cite(found, found.chunks.length, datasetId, "");
  }

  async *#nothing() {
    yield NOTHING_FOUND;
    return { text: NOTHING_FOUND, passages: 0, completion: undefined };
  }

  async *#generate(body: RagBody, found: SearchResult, context: RequestContext) {
    const { randomSeed } = this.#options;
    const { engine, template } = this.#options.model;
    const { query, max_new_tokens = 220, temperature = 0.1, seed = randomSeed() } = body;
    const arrivedAt = monotonicMs();
    const { prompt, passages } = await fitPrompt(engine, template, query, found.chunks, max_new_tokens);
    const completion = yield* completing(
      engine,
      {
        prompt,
        maxTokens: max_new_tokens,
        sampling: { temperature, topP: 0.95, seed },
        stop: [],
      },
      { ...context, arrivedAt },
    );
    return { text: completion.text, passages, completion };
  }
}

function cite(
  { indexId, chunks }: SearchResult,
  passages: number,
  datasetId: string,
  answer: string,
): Citation[] {
  const cited = citedPassages(answer);
  return chunks.slice(0, passages).map((chunk, position) => ({
    index: position + 1,
    cited: cited.has(position + 1),
    doc_id: chunk.docId,
    chunk_id: `chunk_${indexId}_${chunk.ordinal}`,
    dataset_id: datasetId,
    score: chunk.score,
    similarity: chunk.similarity === undefined ? null : Number(chunk.similarity.toFixed(4)),
    word_coverage: Number(chunk.coverage.toFixed(4)),
    heading_path: [...chunk.headingPath],
    start: chunk.start,
    end: chunk.end,
    text: chunk.text,
  }));
}

function generationOf(
  completion: Completion | undefined,
  model: ReturnType<Engine["describe"]>,
): RagAnswer["generation"] {
  const accounts = completion === undefined ? undefined : account([completion], model);
  return {
    model: model.name,
    latency_ms: accounts?.latency_ms ?? 0,
    prompt_tokens: accounts?.prompt_tokens ?? 0,
    cached_prompt_tokens: accounts?.cached_prompt_tokens ?? 0,
    completion_tokens: accounts?.completion_tokens ?? 0,
    context_window: model.contextWindow,
    kv_cache_bytes: (accounts?.total_tokens ?? 0) * model.kvCacheBytesPerToken,
    finish_reason: completion?.finishReason ?? null,
    timings: accounts?.timings ?? null,
  };
}
