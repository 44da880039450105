import { ApiError, InvalidRequestError } from "../../errors.ts";
import { PromptTokenizer } from "../generation/prompt-tokenizer.ts";
import { unknownToken } from "../generation/request-checks.ts";
import { applyAdapter } from "../llama/adapter.ts";
import { AttentionTap } from "../llama/attention-tap.ts";
import { type Llama, loadLlama } from "../llama/bindings.ts";
import { LlamaContext } from "../llama/context.ts";
import { LlamaModel } from "../llama/model.ts";
import { scoreToken } from "../scheduler/scores.ts";
import { AttentionMap } from "./attention-map.ts";
import { Choices } from "./choices.ts";
import {
  type Look,
  type LookJob,
  MAX_LOOKED_AT,
  type SeenChoice,
  type SeenToken,
  type TokenText,
} from "./job.ts";

/** Tokens of one decode: each has a vocabulary of logits, twice. */
const CHUNK = 32;
/** Likeliest tokens beside each one. */
const SHOWN = 5;

/**
 * Reads a text with the model, or lets it go on, and shows what else is thrown away: how likely each token was, how those of
 * the answer were chosen, and what the heads looked at. Everything is computed twice, as it is for requests and with
 * attention in the open; the difference between the two is told.
 * @throws ApiError for a text that is empty or too long; LlamaError
 */
export async function look(job: LookJob): Promise<Look> {
  const llama = loadLlama(job.libraryDirectory);
  const model = LlamaModel.load(llama, { path: job.modelPath, gpuLayers: 0 });
  const { vocabulary } = model;
  const unknown = job.sampling.logitBias?.find(({ token }) => token >= vocabulary.size);
  if (unknown !== undefined) throw unknownToken(unknown.token, vocabulary.size, "logit_bias");
  const tokenizer = new PromptTokenizer(vocabulary);
  const prompt = await tokenizer.tokenize(job.prompt);
  const answer = job.answer === undefined ? new Int32Array(0) : await tokenizer.tokenize(job.answer);
  const isWriting = job.answer === undefined;
  assertInView(prompt.length, isWriting ? job.maxTokens : answer.length);

  const textOf = (token: number): TokenText => ({ token, text: tokenText(model, token) });
  const place = { vocabularySize: vocabulary.size, contextPerSequence: MAX_LOOKED_AT, prompt };
  const choices = new Choices(llama, vocabulary, job.sampling, place, textOf);
  const attention = new AttentionMap(job.layer, job.head);
  const computing = new Computing(llama, model, job, attention);

  const tokens = [...prompt, ...answer];
  const last = prompt.length + (isWriting ? job.maxTokens : answer.length);
  const scores: Array<ReturnType<typeof scoreToken> | undefined> = [undefined];
  const chosen: SeenChoice[] = [];
  let isOver = false;
  for (let at = 0; at < tokens.length; ) {
    const chunk = tokens.slice(at, at + CHUNK);
    computing.run(chunk, at);
    for (const row of chunk.keys()) {
      const index = at + row + 1;
      if (index >= last || isOver) break;
      const logits = computing.logits(row);
      const choice = index < prompt.length ? undefined : choices.choose(logits);
      const token = tokens[index] ?? choice?.drawn;
      if (token === undefined) break;
      if (index === tokens.length) tokens.push(token);
      scores.push(scoreToken(logits, token, SHOWN, vocabulary));
      if (choice === undefined) continue;
      const { drawn } = choice;
      chosen.push({
        index,
        stages: choice.describe(token),
        drawn: drawn === undefined ? undefined : textOf(drawn),
      });
      choices.accept(token);
      isOver = isWriting && vocabulary.isEndOfGeneration(token);
    }
    at += chunk.length;
  }

  const roles = tokenizer
    .sections(job.prompt, prompt)
    .flatMap(({ tokens: count, message }) => Array.from({ length: count }, () => message?.role));
  return {
    tokens: tokens.map((token, index): SeenToken => {
      const score = scores[index];
      return {
        ...textOf(token),
        bytes: vocabulary.piece(token),
        isSpecial: vocabulary.isControl(token),
        part: index < prompt.length ? "prompt" : "answer",
        role: index < prompt.length ? roles[index] : "assistant",
        logprob: score?.logprob,
        top: (score?.top ?? []).map((each) => ({ ...textOf(each.token), logprob: each.logprob ?? 0 })),
      };
    }),
    choices: chosen,
    attention: attention.result,
    largestLogitDifference: computing.largestDifference,
  };
}

function assertInView(promptTokens: number, further: number): void {
  if (promptTokens === 0) throw new InvalidRequestError("The prompt has no tokens.", { param: "prompt" });
  const total = promptTokens + further;
  if (total <= MAX_LOOKED_AT) return;
  throw new ApiError(
    "context_length_exceeded",
    `The microscope takes ${MAX_LOOKED_AT} tokens; the prompt has ${promptTokens}, and ${further} more make ${total}.`,
    { param: "prompt", details: { prompt_tokens: promptTokens, limit: MAX_LOOKED_AT } },
  );
}

function tokenText({ vocabulary }: LlamaModel, token: number): string {
  return vocabulary.isControl(token)
    ? vocabulary.specialText(token)
    : vocabulary.piece(token).toString("utf8");
}

/** The same tokens in two contexts: as requests are computed, and with attention in the open. */
class Computing {
  readonly #usual: LlamaContext;
  readonly #open: LlamaContext;
  readonly #attention: AttentionMap;
  largestDifference = 0;

  constructor(
    llama: Llama,
    model: LlamaModel,
    { threads, isFlashAttention, adapter }: Pick<LookJob, "threads" | "isFlashAttention" | "adapter">,
    attention: AttentionMap,
  ) {
    const tap = new AttentionTap(llama, (weights) => attention.add(weights));
    const options = {
      sequences: 1,
      contextPerSequence: MAX_LOOKED_AT,
      batchSize: CHUNK,
      maxOutputs: CHUNK,
      threads,
      cpus: [],
      kvCacheType: "f16",
      kvLayout: "separate",
      isFlashAttention,
    } as const;
    this.#usual = new LlamaContext(llama, model, options);
    this.#open = new LlamaContext(llama, model, { ...options, attention: tap });
    if (adapter !== undefined)
      for (const context of [this.#usual, this.#open])
        applyAdapter(llama, model.handle, context.handle, adapter);
    this.#attention = attention;
  }

  run(tokens: readonly number[], position: number): void {
    this.#attention.startAt(position);
    for (const context of [this.#usual, this.#open]) {
      context.batch.clear();
      for (const [row, token] of tokens.entries()) context.batch.add(token, position + row, 0, true);
      context.decode();
    }
    for (const row of tokens.keys()) this.#compare(this.#usual.logits(row), this.#open.logits(row));
  }

  logits(row: number): Float32Array {
    return this.#usual.logits(row);
  }

  #compare(usual: Float32Array, open: Float32Array): void {
    for (const [token, logit] of usual.entries()) {
      const difference = Math.abs(logit - (open[token] as number));
      if (difference > this.largestDifference) this.largestDifference = difference;
    }
  }
}
