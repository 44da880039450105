import type {
  GenerationContext,
  GenerationEvent,
  GenerationProgress,
  GenerationRequest,
  GenerationStart,
} from "../engine.ts";
import type { Lane } from "../lane.ts";
import { fromWire } from "../process/wire-error.ts";
import { Channel } from "./channel.ts";
import type { ToEngine, WireOutput } from "./protocol.ts";

/** On its way to the process, tokenized there, waiting for a sequence, computed. */
export type GenerationPhase = "sent" | "preparing" | "queued" | "started";

/** The server's side of one generation: what was asked, what comes back, and the timer that bounds it. */
export class PendingGeneration {
  readonly arrivedAt: number;
  readonly events = new Channel<GenerationEvent>(join);
  /** Times it was kept over a crash. */
  handovers = 0;
  /** Its client has left; it is not worth keeping over a crash. */
  isCancelled = false;
  readonly lane: Lane;
  /** Of the request that it is for; undefined for work of the server's own. */
  readonly requestId: string | undefined;
  readonly reportsProgress: boolean;
  readonly #request: GenerationRequest;
  readonly #cacheScope: string;
  #phase: GenerationPhase = "sent";
  #timer: NodeJS.Timeout | undefined;
  /** What was last reported of its place in the queue. */
  #ahead: number | undefined;
  /** How far its prompt is, from its start on. */
  #prompt: { readonly start: GenerationStart; readonly startedAt: number; computed: number } | undefined;

  constructor(request: GenerationRequest, context: GenerationContext & { readonly arrivedAt: number }) {
    const { arrivedAt, lane = "interactive", cacheScope = "", requestId, reportsProgress = false } = context;
    this.#request = request;
    this.arrivedAt = arrivedAt;
    this.lane = lane;
    this.#cacheScope = cacheScope;
    this.requestId = requestId;
    this.reportsProgress = reportsProgress;
  }

  /** What hands it to an engine process, as generation `id`. */
  message(id: number): ToEngine {
    return {
      type: "generate",
      id,
      request: this.#request,
      lane: this.lane,
      cacheScope: this.#cacheScope,
      arrivedAt: this.arrivedAt,
    };
  }

  /** True from the step that gave it a sequence. */
  get isStarted(): boolean {
    return this.#phase === "started";
  }

  begin(start: GenerationStart, now: number): void {
    this.#phase = "started";
    this.#prompt = { start, startedAt: now, computed: 0 };
    this.events.push({ type: "started", ...start });
    this.prefilled(0, now);
  }

  /** Its place in the queue, where that has changed. */
  waitsBehind(ahead: number, expectedMs: number | undefined): void {
    if (ahead === this.#ahead) return;
    this.#ahead = ahead;
    this.#progressed({ phase: "queue", ahead, expectedMs });
  }

  /** A step computed `tokens` more of its prompt. */
  prefilled(tokens: number, now: number): void {
    if (this.#prompt === undefined) return;
    this.#prompt.computed += tokens;
    const { start, startedAt, computed } = this.#prompt;
    const { promptTokens, cachedPromptTokens } = start;
    this.#progressed({
      phase: "prompt",
      promptTokens,
      cachedPromptTokens,
      processedTokens: cachedPromptTokens + computed,
      elapsedMs: now - startedAt,
    });
  }

  #progressed(progress: GenerationProgress): void {
    if (this.reportsProgress) this.events.push({ type: "progress", progress });
  }

  /** True while a process works on it, and may die of it. */
  get isUnderWay(): boolean {
    return this.#phase === "preparing" || this.#phase === "started";
  }

  moveTo(phase: GenerationPhase): void {
    this.#phase = phase;
  }

  startTimer(timeoutMs: number, onTimeout: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(onTimeout, timeoutMs);
  }

  stopTimer(): void {
    clearTimeout(this.#timer);
  }

  /** Passes on what a step brought. Returns true when that was the last of it. */
  receive({ text, tokens, promptTokens, done, error }: WireOutput): boolean {
    if (promptTokens !== undefined) this.events.push({ type: "prompt", tokens: promptTokens });
    if (text !== "" || (tokens?.length ?? 0) > 0)
      this.events.push({ type: "text", text, ...(tokens !== undefined && { tokens }) });
    if (done !== undefined) {
      this.events.push({ type: "done", ...done });
      this.events.close();
    } else if (error !== undefined) this.events.fail(fromWire(error));
    return done !== undefined || error !== undefined;
  }

  /** Ends what was cancelled and what no engine will answer, at `now`. */
  endCancelled(now: number): void {
    const usage = {
      promptTokens: 0,
      cachedPromptTokens: 0,
      completionTokens: 0,
      reasoningTokens: 0,
      draftedTokens: 0,
      acceptedTokens: 0,
    };
    const timings = { queueMs: now - this.arrivedAt, prefillMs: 0, decodeMs: 0 };
    this.events.push({ type: "done", finishReason: "cancelled", usage, timings });
    this.events.close();
  }
}

/**
 * Two pieces of text that wait for the same reader are one, unless their tokens are told apart; of its progress only the
 * latest matters.
 */
function join(waiting: GenerationEvent, next: GenerationEvent): GenerationEvent | undefined {
  if (waiting.type === "progress" && next.type === "progress") return next;
  if (waiting.type !== "text" || next.type !== "text") return undefined;
  if (waiting.tokens !== undefined || next.tokens !== undefined) return undefined;
  return { type: "text", text: waiting.text + next.text };
}
