import type { Clock } from "../clock.ts";
import type { FinishReason, GenerationTimings, Usage } from "../engine.ts";
import { type BatchPlan, planBatch, prefillTokens } from "./batch.ts";
import { commonPrefix, PrefixCache, type SequenceMemory } from "./prefix-cache.ts";
import { Sequence, type SequenceRequest } from "./sequence.ts";
import { StepBudget } from "./step-budget.ts";

/** What the scheduler drives: an inference context with a KV sequence for each running request. */
export interface DecodeContext extends SequenceMemory {
  readonly contextPerSequence: number;
  readonly batch: {
    readonly capacity: number;
    clear(): void;
    /** Adds a token and returns the row that names its logits. */
    add(token: number, position: number, sequence: number, wantsLogits: boolean): number;
  };
  /** Computes the batch. Throws when it can't; the sequences in it are then lost. */
  decode(): void;
}

export interface TokenTexts {
  piece(token: number): Uint8Array;
  isEndOfGeneration(token: number): boolean;
}

export interface SchedulerOptions {
  /** Time a step should stay under while somebody waits for a token. */
  readonly stepTargetMs: number;
  readonly clock: Clock;
}

/** News of one sequence after a step. */
export interface SequenceOutput {
  readonly id: number;
  readonly text: string;
  readonly done?: {
    readonly finishReason: FinishReason;
    readonly usage: Usage;
    readonly timings: GenerationTimings;
  };
  /** The sequence could not go on. */
  readonly error?: unknown;
}

export interface StepReport {
  readonly outputs: readonly SequenceOutput[];
  /** Sequences that left the queue in this step. */
  readonly started: readonly number[];
  readonly stepMs: number;
  readonly prefillTokens: number;
  readonly decodeTokens: number;
}

/**
 * Continuous batching: requests join and leave the batch between any two steps. A step admits, plans, decodes,
 * samples and emits; it is synchronous, and whoever drives it lets new requests and cancellations in between.
 */
export class Scheduler {
  readonly #context: DecodeContext;
  readonly #texts: TokenTexts;
  readonly #clock: Clock;
  readonly #cache: PrefixCache;
  readonly #budget: StepBudget;
  #waiting: Sequence[] = [];
  #running: Sequence[] = [];
  #outputs: SequenceOutput[] = [];
  #started: number[] = [];
  #cacheHitTokens = 0;

  constructor(context: DecodeContext, texts: TokenTexts, options: SchedulerOptions) {
    this.#context = context;
    this.#texts = texts;
    this.#clock = options.clock;
    this.#cache = new PrefixCache(context);
    this.#budget = new StepBudget(options.stepTargetMs);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running.length;
  }

  get hasWork(): boolean {
    return this.#waiting.length > 0 || this.#running.length > 0 || this.#outputs.length > 0;
  }

  /** Prompt tokens that requests took from the cache, since start. */
  get cacheHitTokens(): number {
    return this.#cacheHitTokens;
  }

  /** Share of the KV cache that running sequences hold, 0 to 1. */
  get cacheUsage(): number {
    return this.#cache.busyTokens / (this.#context.sequences * this.#context.contextPerSequence);
  }

  /** Time the next step should take, by what earlier ones took. */
  get expectedStepMs(): number {
    return this.#budget.expectedMs(this.#context.batch.capacity);
  }

  add(request: SequenceRequest): void {
    const sequence = new Sequence(request);
    // Interactive requests go before batch work; within a class it is first come, first served.
    const at =
      request.priority === "batch" ? -1 : this.#waiting.findIndex((other) => other.priority === "batch");
    if (at < 0) this.#waiting.push(sequence);
    else this.#waiting.splice(at, 0, sequence);
  }

  /** Ends a request at once; its sequence is free before the next step. */
  cancel(id: number): void {
    const sequence = [...this.#waiting, ...this.#running].find((candidate) => candidate.id === id);
    if (sequence !== undefined) this.#finish(sequence, "cancelled", "");
  }

  /** Runs one step. Undefined when there was nothing to do. */
  step(): StepReport | undefined {
    if (!this.hasWork) return undefined;
    const startedAt = this.#clock();
    this.#admit(startedAt);
    const plan = this.#plan();
    const prompts = prefillTokens(plan);
    if (prompts + plan.decoding.length > 0) {
      const rows = this.#fill(plan);
      if (this.#decode(plan)) this.#sample(rows);
      this.#budget.observe(prompts, plan.decoding.length, this.#clock() - startedAt);
    }
    return this.#emit(this.#clock() - startedAt, prompts, plan.decoding.length);
  }

  /** Gives waiting requests the idle sequences, oldest first, but lets one wait for a prefix that is on its way. */
  #admit(now: number): void {
    const stillWaiting: Sequence[] = [];
    for (const sequence of this.#waiting) {
      if (!this.#cache.hasIdleSlot || this.#isPrefixOnItsWay(sequence)) {
        stillWaiting.push(sequence);
        continue;
      }
      const reservation = this.#cache.reserve(sequence.prompt, now);
      if (reservation === undefined) throw new Error("an idle slot could not be reserved");
      sequence.slot = reservation.slot;
      sequence.cachedTokens = reservation.cachedTokens;
      sequence.prefilled = reservation.cachedTokens;
      sequence.startedAt = now;
      this.#cacheHitTokens += reservation.cachedTokens;
      this.#running.push(sequence);
      this.#started.push(sequence.id);
    }
    this.#waiting = stillWaiting;
  }

  /** True while a running prompt computes a prefix that `sequence` could take over and that is not there yet. */
  #isPrefixOnItsWay(sequence: Sequence): boolean {
    const available = this.#cache.longestPrefix(sequence.prompt);
    return this.#running.some((other) => {
      if (!other.isPrefilling) return false;
      const shared = Math.min(commonPrefix(other.prompt, sequence.prompt), sequence.prompt.length - 1);
      return shared > other.prefilled && shared >= available + MIN_SHARED_TOKENS;
    });
  }

  #plan(): BatchPlan {
    const { capacity } = this.#context.batch;
    const decoding = this.#running.filter((sequence) => !sequence.isPrefilling).length;
    return planBatch(this.#running, {
      capacity,
      prefillTokens: this.#budget.prefillTokens(decoding, capacity),
    });
  }

  /** Writes the plan into the batch; returns the row of each sequence that gets a token. */
  #fill(plan: BatchPlan): Map<Sequence, number> {
    const { batch } = this.#context;
    const rows = new Map<Sequence, number>();
    batch.clear();
    for (const sequence of plan.decoding) {
      const { slot, lastToken } = sequence;
      if (slot === undefined || lastToken === undefined)
        throw new Error("a decoding sequence lacks its token");
      rows.set(sequence, batch.add(lastToken, slot.tokens.length, slot.sequence, true));
      slot.tokens.push(lastToken);
    }
    for (const { sequence, length } of plan.prefilling) {
      const { slot, prompt } = sequence;
      if (slot === undefined) throw new Error("a prefilling sequence lacks its slot");
      for (const end = sequence.prefilled + length; sequence.prefilled < end; sequence.prefilled++) {
        const token = prompt[sequence.prefilled] as number;
        const isLast = sequence.prefilled === prompt.length - 1;
        const row = batch.add(token, sequence.prefilled, slot.sequence, isLast);
        slot.tokens.push(token);
        if (isLast) rows.set(sequence, row);
      }
    }
    return rows;
  }

  /** Computes the batch; a failure ends every sequence in it, and the others go on. */
  #decode(plan: BatchPlan): boolean {
    try {
      this.#context.decode();
      return true;
    } catch (error) {
      for (const sequence of [...plan.decoding, ...plan.prefilling.map((chunk) => chunk.sequence)]) {
        this.#fail(sequence, error);
      }
      return false;
    }
  }

  #sample(rows: ReadonlyMap<Sequence, number>): void {
    for (const [sequence, row] of rows) {
      try {
        this.#take(sequence, sequence.sampler.sample(row));
      } catch (error) {
        this.#fail(sequence, error);
      }
    }
  }

  /** Gives a sequence its next token and ends it where that ends it. */
  #take(sequence: Sequence, token: number): void {
    const now = this.#clock();
    sequence.firstTokenAt ??= now;
    sequence.lastTokenAt = now;
    if (this.#texts.isEndOfGeneration(token)) {
      this.#finish(sequence, "stop", sequence.text.end());
      return;
    }
    sequence.lastToken = token;
    sequence.completionTokens++;
    const text = sequence.text.push(this.#texts.piece(token));
    if (sequence.text.stopped) this.#finish(sequence, "stop", text);
    else if (sequence.completionTokens >= sequence.maxTokens) {
      this.#finish(sequence, "length", text + sequence.text.end());
    } else if (text !== "") this.#outputs.push({ id: sequence.id, text });
  }

  #finish(sequence: Sequence, finishReason: FinishReason, text: string): void {
    const now = this.#clock();
    sequence.finishReason = finishReason;
    if (sequence.slot !== undefined) this.#cache.release(sequence.slot, now);
    this.#remove(sequence);
    const done = { finishReason, usage: sequence.usage, timings: sequence.timings(now) };
    this.#outputs.push({ id: sequence.id, text, done });
  }

  #fail(sequence: Sequence, error: unknown): void {
    if (sequence.slot !== undefined) this.#cache.discard(sequence.slot, this.#clock());
    this.#remove(sequence);
    this.#outputs.push({ id: sequence.id, text: "", error });
  }

  #remove(sequence: Sequence): void {
    sequence.freeSampler();
    sequence.slot = undefined;
    this.#running = this.#running.filter((other) => other !== sequence);
    this.#waiting = this.#waiting.filter((other) => other !== sequence);
  }

  #emit(stepMs: number, prompts: number, decodeTokens: number): StepReport {
    const report = {
      outputs: this.#outputs,
      started: this.#started,
      stepMs,
      prefillTokens: prompts,
      decodeTokens,
    };
    this.#outputs = [];
    this.#started = [];
    return report;
  }
}

/** A prefix this much longer than what is at hand is worth waiting for. */
const MIN_SHARED_TOKENS = 32;
