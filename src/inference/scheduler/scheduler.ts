import type { Clock } from "../../platform/clock.ts";
import { promptLookup } from "../drafters/prompt-lookup.ts";
import type { FinishReason } from "../engine.ts";
import { bridges, passes, type SequenceRows } from "../kv-cache/passes.ts";
import { PrefixCache } from "../kv-cache/prefix-cache.ts";
import type { SavedSequence, SavedSequences } from "../kv-cache/saved-sequences.ts";
import type { Waited } from "../machine/processor-wait.ts";
import type { StepRecord } from "../step-record.ts";
import type { DecodeContext } from "./decode-context.ts";
import { Emission } from "./emission.ts";
import { type Bridge, fillBatch, type Rows } from "./fill.ts";
import { Partings } from "./partings.ts";
import { type BatchPlan, decodeRows, planPrefill, prefillTokens } from "./plan.ts";
import { Priorities } from "./priorities.ts";
import type { SequenceStart, StepReport } from "./report.ts";
import { Sequence, type SequenceRequest } from "./sequence.ts";
import { Speculation } from "./speculation.ts";
import { StepCost } from "./step-cost.ts";
import { StepModel } from "./step-model.ts";
import { account, type StepShares, sequenceShares, sharesOf } from "./step-shares.ts";
import type { TokenTexts } from "./text-stream.ts";
import { WaitingQueue } from "./waiting-queue.ts";

export interface SchedulerOptions {
  /** Time a step should stay under while somebody waits for a token. */
  readonly stepTargetMs: number;
  readonly clock: Clock;
  /** Draft tokens by prompt lookup where that is expected to be faster. */
  readonly speculation: boolean;
  /** How long compute threads waited for processors since the last call; unknown where the system does not say. */
  readonly processorWait?: () => Waited;
  /** Where sequences go that must give way; nowhere when left out. */
  readonly saved?: SavedSequences;
  /** Called for each request that leaves the queue, before anything of it is computed. */
  readonly onStart?: (start: SequenceStart) => void;
}

/**
 * Tokens that finished sequences may keep together for others to share, where the context is small and all sequences
 * share one buffer: attention passes over them at a cost. In buffers of their own they cost nothing.
 */
const MIN_IDLE_TOKENS = 8192;
/** Cost of a row without logits, as a share of one with: the output matrix is half of a small model's work. */
const BRIDGE_SHARE = 0.5;
/** Longest gap that is bridged until the costs of rows and passes are known. */
const FIRST_BRIDGE = 3;
/** Decode steps with a gap after which sequences are moved to close it, one a step: a copy costs about a pass. */
const STEPS_BEFORE_MOVE = 2;

/**
 * Continuous batching: requests join and leave the batch between any two steps. A step admits, plans, decodes,
 * samples and emits; it is synchronous, and whoever drives it lets new requests and cancellations in between.
 */
export class Scheduler {
  readonly #context: DecodeContext;
  readonly #texts: TokenTexts;
  readonly #clock: Clock;
  readonly #cache: PrefixCache;
  readonly #waiting: WaitingQueue;
  readonly #cost: StepCost;
  readonly #model = new StepModel();
  readonly #speculation: Speculation | undefined;
  /** Where states are kept, of memories that can't be cut. */
  readonly #partings: Partings | undefined;
  readonly #priorities = new Priorities();
  readonly #emission = new Emission();
  readonly #onStart: (start: SequenceStart) => void;
  readonly #processorWait: () => Waited;
  #running: Sequence[] = [];
  #cacheHitTokens = 0;
  #prefillSteps = 0;
  /** Decode steps in a row that took several passes. */
  #stepsWithGap = 0;

  constructor(context: DecodeContext, texts: TokenTexts, options: SchedulerOptions) {
    this.#context = context;
    this.#texts = texts;
    this.#clock = options.clock;
    this.#onStart = options.onStart ?? (() => {});
    this.#processorWait = options.processorWait ?? (() => ({ longestMs: 0, totalMs: 0 }));
    this.#cache = new PrefixCache(context, options.saved);
    this.#waiting = new WaitingQueue(context.sequences);
    this.#cost = new StepCost(options.stepTargetMs);
    // A draft that turns out wrong must be taken back.
    const canDraft = options.speculation && context.canCut;
    this.#speculation = canDraft ? new Speculation(this.#cost, promptLookup, context.isOnePass) : undefined;
    this.#partings = context.canCut ? undefined : new Partings();
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running.length;
  }

  get hasWork(): boolean {
    return this.#waiting.length > 0 || this.#running.length > 0 || !this.#emission.isEmpty;
  }

  /** @throws Error where the cache's books differ from what the context holds; to be asked between steps */
  checkIntegrity(): void {
    this.#cache.checkIntegrity((sequence) => this.#context.length(sequence));
  }

  get #maxIdleTokens(): number {
    const { isOnePass, contextPerSequence } = this.#context;
    return isOnePass ? Math.max(MIN_IDLE_TOKENS, 2 * contextPerSequence) : Number.POSITIVE_INFINITY;
  }

  /** Prompt tokens that requests took from the cache, since start. */
  get cacheHitTokens(): number {
    return this.#cacheHitTokens;
  }

  /** Share of the KV cache that running sequences hold, 0 to 1. */
  get cacheUsage(): number {
    return this.#cache.busyTokens / (this.#context.sequences * this.#context.contextPerSequence);
  }

  /** Time that a full step should take, by what earlier ones took. */
  get expectedStepMs(): number {
    return this.#cost.expectedMs(this.#running.length, this.#context.batch.capacity);
  }

  add(request: SequenceRequest): void {
    const sequence = new Sequence(request);
    sequence.time.waited("prepare", this.#clock());
    this.#partings?.expect(sequence, this.#running);
    this.#waiting.add(sequence);
  }

  /** Whether one more prefix may be kept for good. */
  get canPin(): boolean {
    return this.#cache.canPin;
  }

  /** Leading tokens of `prompt` that are at hand for requests of `scope`. */
  longestPrefix(prompt: Int32Array, scope: string): number {
    return this.#cache.longestPrefix(prompt, scope);
  }

  /** What finished sequences hold, the most recently used first. */
  idleSequences(): Iterable<SavedSequence> {
    return this.#cache.idleSequences();
  }

  /** Keeps a prefix for good whose keys and values `restore` brings back. */
  pinRestored(tokens: Int32Array, restore: (kvSequence: number) => boolean): boolean {
    return this.#cache.pinRestored(tokens, restore);
  }

  /** Ends a request at once; its sequence is free before the next step. */
  cancel(id: number): void {
    const sequence = this.#waiting.find(id) ?? this.#running.find((candidate) => candidate.id === id);
    if (sequence !== undefined) this.#finish(sequence, "cancelled", "");
  }

  /** Runs one step. Undefined when there was nothing to do. */
  step(): StepReport | undefined {
    if (!this.hasWork) return undefined;
    const startedAt = this.#clock();
    for (const sequence of this.#running) sequence.time.spent("overhead", startedAt);
    this.#admit(startedAt);
    const plan = this.#plan(startedAt);
    const shares = sharesOf(plan, this.#context.isOnePass);
    const prompts = prefillTokens(plan);
    const decoding = decodeRows(plan);
    const bridging = this.#bridges(plan);
    const stepPasses = this.#passes(plan, bridging);
    const decodeCost = decoding + BRIDGE_SHARE * bridging.length;
    const expectedMs = this.#cost.expectedMs(decodeCost, prompts, stepPasses);
    let computeMs = 0;
    const records: StepRecord[] = [];
    if (prompts + decoding > 0) {
      const rows = fillBatch(plan, this.#context.batch, bridging);
      this.#processorWait();
      const computeStartedAt = this.#clock();
      for (const sequence of this.#running) sequence.time.spent("overhead", computeStartedAt);
      const decoded = this.#decode(plan) ? this.#account(shares, computeStartedAt) : undefined;
      if (decoded !== undefined) {
        this.#keepStates(plan);
        this.#scorePrompts(plan);
        this.#sample(rows);
      }
      for (const { sequence, position } of bridging) this.#context.truncate(sequence, position);
      const computedAt = this.#clock();
      for (const sequence of this.#running) sequence.time.spent("others_sampling", computedAt);
      computeMs = computedAt - computeStartedAt;
      if (decoded !== undefined) {
        const sampleMs = computeMs - decoded.decodeMs;
        records.push({ ...decoded, startedAt, planMs: computeStartedAt - startedAt, sampleMs });
      }
      this.#cost.observe(prompts, decodeCost, computeMs, stepPasses);
      this.#priorities.observe(plan, startedAt, computeMs);
      if (prompts === 0) this.#closeGap(stepPasses);
    }
    const isDecode = decoding > 0 && prompts === 0;
    return {
      ...this.#emission.take(),
      stepMs: this.#clock() - startedAt,
      computeMs,
      expectedMs,
      records,
      decodeSteps: isDecode ? 1 : 0,
      decodePasses: isDecode ? stepPasses : 0,
    };
  }

  /** Rows for the sequences in gaps that cost less than the passes that the gaps would cost. */
  #bridges(plan: BatchPlan): readonly Bridge[] {
    const { isOnePass, isPlain, batch, contextPerSequence } = this.#context;
    const entries = rowsBySequence(plan);
    if (isOnePass || !isPlain || entries.length < 2) return [];
    const { msPerPass, msPerDecodeRow } = this.#cost;
    const longest =
      msPerPass === undefined || !msPerDecodeRow
        ? FIRST_BRIDGE
        : Math.floor(msPerPass / (BRIDGE_SHARE * msPerDecodeRow));
    const found = bridges(
      entries.map(({ sequence }) => sequence),
      longest,
      (sequence) => this.#cache.canBridge(sequence, contextPerSequence),
    );
    const room = batch.capacity - entries.reduce((sum, { rows }) => sum + rows, 0);
    return found.length > room
      ? []
      : found.map((sequence) => ({ sequence, position: this.#cache.length(sequence) }));
  }

  /** Passes over the weights that the step takes. */
  #passes(plan: BatchPlan, bridging: readonly Bridge[]): number {
    if (this.#context.isOnePass) return 1;
    return passes([...rowsBySequence(plan), ...bridging.map(({ sequence }) => ({ sequence, rows: 1 }))]);
  }

  /** Where running sequences have stayed apart for some steps one is moved to the others. */
  #closeGap(stepPasses: number): void {
    this.#stepsWithGap = stepPasses > 1 ? this.#stepsWithGap + 1 : 0;
    if (this.#context.isOnePass || this.#stepsWithGap < STEPS_BEFORE_MOVE) return;
    const moved = this.#cache.closeGap();
    const sequence = this.#running.find(({ slot }) => slot !== undefined && slot === moved?.from);
    if (moved !== undefined && sequence !== undefined) sequence.slot = moved.to;
  }

  /** Gives waiting requests the idle sequences; those left know what they wait for from now on. */
  #admit(now: number): void {
    for (;;) {
      const sequence = this.#waiting.next(this.#running, this.#cache);
      if (sequence === undefined) {
        this.#waiting.explain(this.#running, this.#cache, now);
        return;
      }
      const { shareablePrompt, scope } = sequence;
      const { slot, cachedTokens, knownTokens, cachedFrom } = this.#cache.reserve(
        shareablePrompt,
        now,
        scope,
      );
      this.#waiting.remove(sequence);
      sequence.time.waited(sequence.waitsFor, now);
      sequence.slot = slot;
      sequence.cachedTokens = cachedTokens;
      sequence.cachedFrom = cachedFrom;
      sequence.prefilled = cachedTokens;
      this.#partings?.plan(sequence, knownTokens, this.#waiting.first(this.#context.sequences));
      sequence.startedAt = now;
      this.#cacheHitTokens += cachedTokens;
      this.#running.push(sequence);
      this.#onStart({
        id: sequence.id,
        promptTokens: sequence.prompt.length,
        cachedPromptTokens: cachedTokens,
      });
    }
  }

  /** Every decoding sequence gets its token, and a draft where that pays; the rest of the budget goes to prompts. */
  #plan(startedAt: number): BatchPlan {
    const { batch, maxOutputs } = this.#context;
    const taking = this.#priorities.takingPart(this.#running, startedAt);
    const decoding = taking.filter((sequence) => !sequence.isPrefilling);
    const waitingForPrefill = taking.filter((sequence) => sequence.isPrefilling);
    if (waitingForPrefill.length === 0) {
      const drafts = this.#speculation?.draft(decoding, Math.min(maxOutputs, batch.capacity));
      return {
        decoding: decoding.map((sequence) => ({ sequence, draft: drafts?.get(sequence) ?? [] })),
        prefilling: [],
      };
    }
    const room = batch.capacity - decoding.length;
    const tokens = this.#cost.prefillTokens(decoding.length, waitingForPrefill.length, room);
    return {
      decoding: decoding.map((sequence) => ({ sequence, draft: [] })),
      // Each running sequence may want one row of its own; the rest is for prompts whose every token is scored.
      prefilling: planPrefill(waitingForPrefill, {
        tokens,
        batchTokens: Math.min(tokens, this.#priorities.batchTokens(taking, startedAt)),
        scoredRows: maxOutputs - this.#running.length,
        first: this.#prefillSteps++ % 2 === 0 ? "oldest" : "shortest",
      }),
    };
  }

  /** Computes the batch; a failure ends every sequence in it, and the others go on. */
  #decode(plan: BatchPlan): boolean {
    try {
      this.#context.decode();
      return true;
    } catch (error) {
      for (const { sequence } of [...plan.decoding, ...plan.prefilling]) this.#fail(sequence, error);
      return false;
    }
  }

  /** Learns from a decode that began at `startedAt`, and tells every sequence what its time was spent on. */
  #account(shares: StepShares, startedAt: number): Omit<StepRecord, "startedAt" | "planMs" | "sampleMs"> {
    const now = this.#clock();
    const { passes: stepPasses, decodeRows: rows, prefillTokens: tokens, ...kv } = shares.total;
    const record = {
      decodeMs: now - startedAt,
      expectedMs: this.#model.expectedMs(shares.total),
      passes: stepPasses,
      decodeRows: rows,
      prefillTokens: tokens,
      kvTokens: kv.kvTokens + kv.prefillKvTokens,
      running: this.#running.length,
      waiting: this.#waiting.length,
      sequences: sequenceShares(shares),
    };
    const { longestMs, totalMs } = this.#processorWait();
    this.#model.observe(shares.total, Math.max(0, now - startedAt - longestMs));
    account(this.#running, shares, this.#model, totalMs, now);
    return { ...record, processorWaitMs: longestMs };
  }

  /** Keeps the states of prompts that paused for it. */
  #keepStates(plan: BatchPlan): void {
    for (const { sequence } of plan.prefilling) {
      if (sequence.isAtPause && sequence.slot !== undefined) this.#context.checkpoint(sequence.slot.sequence);
    }
  }

  #scorePrompts(plan: BatchPlan): void {
    for (const { sequence } of plan.prefilling) {
      sequence.promptScores?.collect((row) => this.#context.logits(row));
      if (!sequence.isPrefilling) this.#emission.prompt(sequence);
    }
  }

  #sample(rows: ReadonlyMap<Sequence, Rows>): void {
    for (const [sequence, { first, draft }] of rows) {
      try {
        this.#sampleRows(sequence, first, draft);
      } catch (error) {
        this.#fail(sequence, error);
      }
    }
  }

  /** Samples a row, and the next one for as long as the draft turns out right; what was wrong is cut off again. */
  #sampleRows(sequence: Sequence, first: number, draft: readonly number[]): void {
    const { slot } = sequence;
    if (slot === undefined) throw new Error("a sampled sequence lacks its slot");
    if (sequence.maxTokens === 0) {
      this.#finish(sequence, "length", "");
      return;
    }
    let accepted = 0;
    let text = "";
    sequence.time.spent("others_sampling", this.#clock());
    for (;;) {
      const row = first + accepted;
      const token = sequence.next(row);
      const isDrafted = accepted < draft.length && token === draft[accepted];
      if (isDrafted) accepted++;
      text += sequence.take(token, this.#texts, () => this.#context.logits(row), this.#clock());
      if (sequence.finishReason !== undefined || !isDrafted) break;
    }
    if (draft.length > 0) {
      sequence.draftedTokens += draft.length;
      sequence.acceptedTokens += accepted;
      this.#speculation?.observe(sequence, draft.length, accepted);
      slot.tokens.length -= draft.length - accepted;
      const kept = this.#context.truncate(slot.sequence, slot.tokens.length);
      if (kept < slot.tokens.length) throw new Error("a draft was made that can't be taken back");
    }
    if (sequence.finishReason !== undefined) this.#finish(sequence, sequence.finishReason, text);
    else this.#emission.text(sequence, text);
  }

  #finish(sequence: Sequence, finishReason: FinishReason, text: string): void {
    const now = this.#clock();
    const { slot, prompt, onPinned } = sequence;
    if (slot === undefined) sequence.time.waited(sequence.waitsFor, now);
    else if (sequence.lastTokenAt === undefined) sequence.time.spent("overhead", now);
    if (slot !== undefined && onPinned !== undefined && finishReason !== "cancelled") {
      this.#cache.pin(slot, prompt.length);
      onPinned(slot.sequence);
    } else if (slot !== undefined) this.#cache.release(slot, now, this.#maxIdleTokens);
    this.#remove(sequence);
    this.#emission.end(sequence, finishReason, text, now);
  }

  #fail(sequence: Sequence, error: unknown): void {
    if (sequence.slot !== undefined) this.#cache.discard(sequence.slot, this.#clock());
    this.#remove(sequence);
    this.#emission.failure(sequence, error);
  }

  #remove(sequence: Sequence): void {
    sequence.freeSampler();
    sequence.slot = undefined;
    this.#running = this.#running.filter((other) => other !== sequence);
    this.#waiting.remove(sequence);
  }
}

function rowsBySequence(plan: BatchPlan): SequenceRows[] {
  const rows = [
    ...plan.decoding.map(({ sequence, draft }) => ({ sequence, rows: 1 + draft.length })),
    ...plan.prefilling.map(({ sequence, length }) => ({ sequence, rows: length })),
  ];
  return rows.map(({ sequence: { slot }, rows: count }) => {
    if (slot === undefined) throw new Error("a planned sequence lacks its slot");
    return { sequence: slot.sequence, rows: count };
  });
}
