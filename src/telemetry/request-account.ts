import type { ApiError } from "../errors.ts";
import { farthest } from "../inference/cache-tier.ts";
import type {
  FinishReason,
  GenerationEnd,
  GenerationObserver,
  GenerationRequest,
  GenerationSink,
  GenerationStart,
  GenerationTimings,
  ModelDescription,
  Prompt,
  Usage,
} from "../inference/engine.ts";
import { type Clock, monotonicMs } from "../platform/clock.ts";
import { type LatencyParts, latencyParts } from "./latency-parts.ts";
import type { ContentPolicy } from "./ledger/contents.ts";

/** What a request's one log line says beside its path and status: token counts and times, never text. */
export type LogFields = Record<string, string | number | boolean | null | LatencyParts>;

/** One generation of a request, as far as it went. */
export interface AccountedGeneration {
  /** Answers to the same prompt have the same object here. */
  readonly prompt: Prompt;
  /** What it was to compute, and of what, where the client wants to be able to have it again. */
  readonly kept: KeptGeneration | undefined;
  /** Where its own time begins, on `monotonicMs`. */
  readonly arrivedAt: number;
  /** Undefined before it has a sequence, which it has from `startedAt` on. */
  readonly start: GenerationStart | undefined;
  readonly startedAt: number | undefined;
  /** Undefined before its first text. */
  readonly firstTextAt: number | undefined;
  /** Undefined while it runs, and for one that failed or whose reader left. */
  readonly end: GenerationEnd | undefined;
}

/** Everything that a generation that is to be reproducible came from, and its tokens. */
export interface KeptGeneration {
  readonly request: GenerationRequest;
  readonly model: ModelDescription;
  readonly tokens: Array<{ readonly token: number; readonly logprob: number }>;
}

type GrowingGeneration = { -readonly [Field in keyof AccountedGeneration]: AccountedGeneration[Field] };
type EndedGeneration = AccountedGeneration & { readonly end: GenerationEnd };

/**
 * What one request used and where its time went, gathered where each generation is observed. The log line, the
 * metrics, `Server-Timing` and the ledger read it: no route can forget a part of it.
 */
export class RequestAccount implements GenerationSink {
  readonly #generations: GrowingGeneration[] = [];
  readonly #notes: LogFields = {};
  readonly #contents: Array<{ readonly prompt: string; answer: string | null }> = [];
  readonly #clock: Clock;
  #policy: ContentPolicy;
  #receivedAt: number | undefined;
  #sendMs = 0;
  #error: { readonly code: string; readonly reason: string | undefined } | undefined;

  /** `policy`: what of the text is to be kept, and is in memory until then. */
  constructor(policy: ContentPolicy = "off", clock: Clock = monotonicMs) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** The client wants nothing of it to be stored. */
  forgetContent(): void {
    this.#policy = "off";
    this.#contents.length = 0;
  }

  /** Prompts and answers, where they are to be kept. */
  get texts(): ReadonlyArray<{ readonly prompt: string; readonly answer: string | null }> {
    return this.#contents;
  }

  began(request: GenerationRequest, arrivedAt: number, model: ModelDescription): GenerationObserver {
    const kept =
      request.reproducible === true ? { request, model, tokens: [] as KeptGeneration["tokens"] } : undefined;
    const begun: GrowingGeneration = {
      prompt: request.prompt,
      kept,
      arrivedAt,
      start: undefined,
      startedAt: undefined,
      firstTextAt: undefined,
      end: undefined,
    };
    this.#generations.push(begun);
    const content =
      this.#policy === "off"
        ? undefined
        : { prompt: textOf(request.prompt), answer: this.#policy === "all" ? "" : null };
    if (content !== undefined) this.#contents.push(content);
    return {
      started: (start) => Object.assign(begun, { start, startedAt: this.#clock() }),
      wrote: (text, tokens) => {
        begun.firstTextAt ??= this.#clock();
        if (content !== undefined && content.answer !== null) content.answer += text;
        for (const { token, logprob = 0 } of tokens) kept?.tokens.push({ token, logprob });
      },
      ended: (end) => Object.assign(begun, { end }),
    };
  }

  /** Adds facts of a route's own to the log line; never text of prompts or answers. */
  note(fields: LogFields): void {
    Object.assign(this.#notes, fields);
  }

  /** The request's body was read, at `now`. */
  received(now: number): void {
    this.#receivedAt = now;
  }

  /** The stream waited for its client to read. */
  waitedForClient(ms: number): void {
    this.#sendMs += ms;
  }

  failed({ code, details }: ApiError): void {
    const reason = details?.["reason"];
    this.#error = { code, reason: typeof reason === "string" ? reason : undefined };
  }

  /** Why the request failed; undefined when it did not. */
  get error(): { readonly code: string; readonly reason: string | undefined } | undefined {
    return this.#error;
  }

  get generations(): readonly AccountedGeneration[] {
    return this.#generations;
  }

  /** Undefined when no generation has ended. */
  get usage(): Usage | undefined {
    const ended = this.#ended;
    return ended.length === 0 ? undefined : usageOf(ended);
  }

  /** The times of the generations that the request waited for, one after another; undefined when none has ended. */
  get timings(): GenerationTimings | undefined {
    const path = criticalPath(this.#ended);
    if (path.length === 0) return undefined;
    const sum = (part: "queueMs" | "prefillMs" | "decodeMs") =>
      path.reduce((total, { end }) => total + end.timings[part], 0);
    return { queueMs: sum("queueMs"), prefillMs: sum("prefillMs"), decodeMs: sum("decodeMs") };
  }

  /** The parts of the time from `arrivedAt` to `endedAt`, which they add up to. */
  parts(arrivedAt: number, endedAt: number): LatencyParts {
    return latencyParts({
      arrivedAt,
      receivedAt: this.#receivedAt ?? arrivedAt,
      endedAt,
      sendMs: this.#sendMs,
      generations: criticalPath(this.#ended).map((generation) => ({
        arrivedAt: generation.arrivedAt,
        endedAt: endOf(generation),
        parts: generation.end.timings.parts,
      })),
    });
  }

  /** How the answer ended: the way of the generation that ended last. */
  get finishReason(): FinishReason | undefined {
    return criticalPath(this.#ended).at(-1)?.end.finishReason;
  }

  /** Whether every generation was an earlier answer from the cache. */
  get isCached(): boolean {
    const ended = this.#ended;
    return ended.length > 0 && ended.every(({ end }) => end.cached === true);
  }

  /** Time from `arrivedAt` to the first token of the text; undefined where no token was generated. */
  timeToFirstTokenMs(arrivedAt: number): number | undefined {
    const last = criticalPath(this.#ended).at(-1);
    if (last === undefined || last.end.usage.completionTokens === 0) return undefined;
    return Math.max(0, last.arrivedAt + last.end.timings.queueMs + last.end.timings.prefillMs - arrivedAt);
  }

  /** The facts that routes have noted. */
  get notes(): Readonly<LogFields> {
    return this.#notes;
  }

  get logFields(): LogFields {
    const { usage, timings, finishReason } = this;
    const error = this.#error;
    return {
      ...this.#notes,
      ...(usage !== undefined && {
        prompt_tokens: usage.promptTokens,
        cached_prompt_tokens: usage.cachedPromptTokens,
        ...(usage.cachedFrom !== undefined && { cached_from: usage.cachedFrom }),
        completion_tokens: usage.completionTokens,
      }),
      ...(finishReason !== undefined && { finish_reason: finishReason }),
      ...(this.isCached && { cached: true }),
      ...(timings !== undefined && {
        queue_ms: tenths(timings.queueMs),
        prefill_ms: tenths(timings.prefillMs),
        decode_ms: tenths(timings.decodeMs),
      }),
      ...(error !== undefined && { error: error.code }),
      ...(error?.reason !== undefined && { reason: error.reason }),
    };
  }

  get #ended(): readonly EndedGeneration[] {
    return this.#generations.filter(
      (generation): generation is EndedGeneration => generation.end !== undefined,
    );
  }
}

/** What was sent as tokens is told of by their number. */
function textOf({ parts }: Prompt): string {
  return parts.map((part) => (part.type === "text" ? part.text : `<${part.tokens.length} tokens>`)).join("");
}

/** Each prompt counts once, however many answers it got, and every answer counts. */
function usageOf(ended: readonly EndedGeneration[]): Usage {
  const byPrompt = [...Map.groupBy(ended, ({ prompt }) => prompt).values()];
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const cachedFrom = farthest(ended.map(({ end }) => end.usage.cachedFrom));
  return {
    promptTokens: sum(byPrompt.map(([first]) => first?.end.usage.promptTokens ?? 0)),
    // Answers to one prompt share its prefill; what was cached before the request is what the least lucky found.
    cachedPromptTokens: sum(
      byPrompt.map((answers) => Math.min(...answers.map(({ end }) => end.usage.cachedPromptTokens))),
    ),
    ...(cachedFrom !== undefined && { cachedFrom }),
    completionTokens: sum(ended.map(({ end }) => end.usage.completionTokens)),
    reasoningTokens: sum(ended.map(({ end }) => end.usage.reasoningTokens)),
    draftedTokens: sum(ended.map(({ end }) => end.usage.draftedTokens)),
    acceptedTokens: sum(ended.map(({ end }) => end.usage.acceptedTokens)),
  };
}

/** Clock differences below this are rounding, in milliseconds. */
const ROUNDING_MS = 0.01;

/**
 * The generations that a request waited for, in order: the last to end, before it the last to end before that one
 * began, and so on. Of generations side by side only the slowest is in it.
 */
export function criticalPath<G extends EndedGeneration>(ended: readonly G[]): readonly G[] {
  const path: G[] = [];
  let begin = Number.POSITIVE_INFINITY;
  for (const generation of ended.toSorted((a, b) => endOf(b) - endOf(a))) {
    if (endOf(generation) > begin + ROUNDING_MS) continue;
    path.unshift(generation);
    begin = generation.arrivedAt;
  }
  return path;
}

function endOf({ arrivedAt, end }: EndedGeneration): number {
  const { queueMs, prefillMs, decodeMs } = end.timings;
  return arrivedAt + queueMs + prefillMs + decodeMs;
}

function tenths(ms: number): number {
  return Number(ms.toFixed(1));
}
