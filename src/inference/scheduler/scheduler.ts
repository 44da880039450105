import type { Clock } from "../../platform/clock.ts";
import type { CacheView } from "../cache-report.ts";
import type { DraftModel } from "../drafters/draft-model.ts";
import { promptLookup } from "../drafters/prompt-lookup.ts";
import type { FinishReason } from "../engine.ts";
import { CacheStudy } from "../kv-cache/cache-study.ts";
import { maxIdleTokens, PrefixCache } from "../kv-cache/prefix-cache.ts";
import type { SavedSequences } from "../kv-cache/saved-sequences.ts";
import { SavingPolicy } from "../kv-cache/saving-policy.ts";
import type { SlotMove } from "../kv-cache/slots.ts";
import type { KvLayoutChoice } from "../kv-layout.ts";
import type { StepRecord } from "../step-record.ts";
import { Admission } from "./admission.ts";
import { BatchPlanner } from "./batch-planner.ts";
import type { DecodeContext } from "./decode-context.ts";
import { DecodeTurns } from "./decode-turns.ts";
import { Emission } from "./emission.ts";
import { fillBatch, type Rows, type SpareRow } from "./fill.ts";
import { BRIDGE_SHARE, Gaps } from "./gaps.ts";
import { LayoutFollower } from "./layout-follower.ts";
import { type BatchPlan, decodeRows, isPlainDecode, prefillTokens } from "./plan.ts";
import { Priorities } from "./priorities.ts";
import type { SequenceStart, StepReport } from "./report.ts";
import { RowTimes } from "./row-times.ts";
import { Sequence, type SequenceRequest } from "./sequence.ts";
import { Speculation } from "./speculation.ts";
import { StepAccount, type StepWait } from "./step-account.ts";
import { StepCost } from "./step-cost.ts";
import { sharesOf } from "./step-shares.ts";
import type { TokenTexts } from "./text-stream.ts";

export interface SchedulerOptions {
  /** Time that a step should stay under while a stream waits for its token. */
  readonly stepTargetMs: number;
  readonly clock: Clock;
  /** Draft tokens where that is expected to be faster. */
  readonly speculation: boolean;
  /** Guesses where the text so far gives no guess. */
  readonly draftModel?: DraftModel | undefined;
  /** Unknown where the system does not say. */
  readonly processorWait?: StepWait;
  /** Where sequences go that must give way; nowhere when left out. */
  readonly saved?: SavedSequences;
  /** Called for each request that leaves the queue, before anything of it is computed. */
  readonly onStart?: (start: SequenceStart) => void;
  /** Lets the cache's layout follow the traffic: called after each change. It stays as it is when left out. */
  readonly onLayoutChanged?: ((choice: KvLayoutChoice) => void) | undefined;
}

/**
 * Continuous batching: requests join and leave the batch between any two steps. A step admits, plans, decodes,
 * samples and emits. It is synchronous: requests and cancellations come in between two steps.
 */
export class Scheduler {
  readonly #context: DecodeContext;
  readonly #texts: TokenTexts;
  readonly #clock: Clock;
  readonly #admission: Admission;
  readonly #cost: StepCost;
  readonly #rowTimes = new RowTimes();
  readonly #priorities = new Priorities();
  readonly #speculation: Speculation | undefined;
  readonly #planner: BatchPlanner;
  readonly #gaps: Gaps;
  readonly #account: StepAccount;
  readonly #layout: LayoutFollower | undefined;
  readonly #study: CacheStudy;
  readonly #emission = new Emission();
  /** What the KV sequences hold. */
  readonly cache: PrefixCache;
  #running: Sequence[] = [];

  constructor(context: DecodeContext, texts: TokenTexts, options: SchedulerOptions) {
    this.#context = context;
    this.#texts = texts;
    this.#clock = options.clock;
    this.#cost = new StepCost(options.stepTargetMs);
    // A draft that turns out wrong must be taken back.
    const canDraft = options.speculation && context.canCut;
    this.#speculation = canDraft
      ? new Speculation(this.#cost, promptLookup, context, options.draftModel)
      : undefined;
    this.#planner = new BatchPlanner(context, {
      cost: this.#cost,
      priorities: this.#priorities,
      turns: new DecodeTurns(this.#rowTimes),
      speculation: this.#speculation,
    });
    this.#account = new StepAccount(options.clock, options.processorWait);
    const promptMs = (tokens: number) => this.#account.promptMs(tokens);
    const policy = new SavingPolicy(options.clock, promptMs);
    this.cache = new PrefixCache(context, options.saved, policy);
    this.#study = new CacheStudy(this.cache, context, promptMs, policy);
    this.#gaps = new Gaps(context, this.cache, this.#cost, this.#rowTimes);
    this.#admission = new Admission(context, this.cache, this.#study, options.onStart ?? (() => {}));
    const { clock, onLayoutChanged } = options;
    this.#layout = onLayoutChanged && new LayoutFollower(context, this.cache, clock, onLayoutChanged);
  }

  get waiting(): number {
    return this.#admission.waiting;
  }

  get running(): number {
    return this.#running.length;
  }

  get hasWork(): boolean {
    return this.waiting > 0 || this.#running.length > 0 || !this.#emission.isEmpty;
  }

  /** @throws Error where the cache's books differ from what the context holds; to be asked between steps */
  checkIntegrity(): void {
    this.cache.checkIntegrity((sequence) => this.#context.length(sequence));
  }

  /** Prompt tokens that requests took from the cache, since start. */
  get cacheHitTokens(): number {
    return this.#admission.cacheHitTokens;
  }

  /** Share of the KV cache that running sequences hold, 0 to 1. */
  get cacheUsage(): number {
    return this.cache.busyTokens / (this.#context.sequences * this.#context.contextPerSequence);
  }

  /** What the cache holds, and how well it served. */
  viewCache(): CacheView<number> {
    return this.#study.view(this.#context.contextPerSequence, this.#clock());
  }

  /** Time that a full step should take, by what earlier ones took. */
  get expectedStepMs(): number {
    return this.#cost.expectedMs(this.#running.length, this.#context.batch.capacity);
  }

  add(request: SequenceRequest): void {
    const sequence = new Sequence(request);
    sequence.time.waited("prepare", this.#clock());
    this.#admission.add(sequence, this.#running);
  }

  /** Ends a request at once; its sequence is free before the next step. */
  cancel(id: number): void {
    const sequence = this.#admission.find(id) ?? this.#running.find((candidate) => candidate.id === id);
    if (sequence !== undefined) this.#finish(sequence, "cancelled", "");
  }

  /** Runs one step. Undefined when there was nothing to do. */
  step(): StepReport | undefined {
    if (!this.hasWork) return undefined;
    const startedAt = this.#clock();
    for (const sequence of this.#running) sequence.time.spent("overhead", startedAt);
    this.#layout?.follow([...this.#running, ...this.#admission.next()]);
    this.#running = this.#admission.admit(this.#running, startedAt);
    const plan = this.#planner.plan(this.#running, startedAt);
    const spare = this.#gaps.spareRows(plan);
    const passes = this.#gaps.passes(plan, spare);
    const prompts = prefillTokens(plan);
    const decoding = decodeRows(plan);
    const decodeCost = decoding + BRIDGE_SHARE * spare.filter(({ purpose }) => purpose === "bridge").length;
    const expectedMs = this.#cost.expectedMs(decodeCost, prompts, passes);
    const isDecode = decoding > 0 && prompts === 0;
    let computeMs = 0;
    let record: StepRecord | undefined;
    if (prompts + decoding > 0) {
      ({ computeMs, record } = this.#compute(plan, spare, startedAt));
      this.#cost.observe(prompts, decodeCost, computeMs, passes);
      if (passes === 1 && isPlainDecode(plan) && spare.every(({ purpose }) => purpose === "padding"))
        this.#rowTimes.observe(decoding + spare.length, computeMs);
      this.#priorities.observe(plan, startedAt, computeMs);
      if (isDecode) this.#follow(this.#gaps.close(passes));
    }
    return {
      ...this.#emission.take(),
      stepMs: this.#clock() - startedAt,
      computeMs,
      expectedMs,
      records: record === undefined ? [] : [record],
      decodeSteps: isDecode ? 1 : 0,
      decodePasses: isDecode ? passes : 0,
    };
  }

  /** Decodes a plan and samples the rows that it brings; no record where the decode failed. */
  #compute(
    plan: BatchPlan,
    spare: readonly SpareRow[],
    startedAt: number,
  ): { readonly computeMs: number; readonly record: StepRecord | undefined } {
    const shares = sharesOf(plan, this.#context.isOnePass);
    const rows = fillBatch(plan, this.#context.batch, spare);
    const computeStartedAt = this.#account.begin(this.#running);
    const decoded = this.#decode(plan)
      ? this.#account.end(this.#running, this.waiting, shares, computeStartedAt)
      : undefined;
    if (decoded !== undefined) {
      this.#keepStates(plan);
      this.#scorePrompts(plan);
      const samplingAt = this.#clock();
      for (const sequence of this.#running) sequence.time.spent("overhead", samplingAt);
      this.#sample(rows);
    }
    for (const { kvSequence, position } of spare) this.#context.truncate(kvSequence, position);
    const computedAt = this.#clock();
    for (const sequence of this.#running)
      sequence.time.spent(isBesideOthers(sequence, rows) ? "others_sampling" : "overhead", computedAt);
    const computeMs = computedAt - computeStartedAt;
    const record = decoded && {
      ...decoded,
      startedAt,
      planMs: computeStartedAt - startedAt,
      sampleMs: computeMs - decoded.decodeMs,
    };
    return { computeMs, record };
  }

  /** A sequence whose cache was moved continues in its new place. */
  #follow(move: SlotMove | undefined): void {
    const sequence = move && this.#running.find(({ slot }) => slot === move.from);
    if (sequence !== undefined) sequence.slot = move?.to;
  }

  /** Computes the batch; a failure ends every sequence in it, and only those. */
  #decode(plan: BatchPlan): boolean {
    try {
      this.#context.decode();
      return true;
    } catch (error) {
      for (const { sequence } of [...plan.decoding, ...plan.prefilling]) this.#fail(sequence, error);
      return false;
    }
  }

  /** Keeps the states of prompts that paused for it. */
  #keepStates(plan: BatchPlan): void {
    for (const { sequence } of plan.prefilling) {
      if (sequence.isAtPause && sequence.slot !== undefined)
        this.#context.checkpoint(sequence.slot.kvSequence);
    }
  }

  #scorePrompts(plan: BatchPlan): void {
    for (const { sequence } of plan.prefilling) {
      sequence.promptScores?.collect((row) => this.#context.logits(row));
      if (!sequence.isPrefilling) this.#emission.prompt(sequence);
    }
  }

  #sample(rows: ReadonlyMap<Sequence, Rows>): void {
    let isFirst = true;
    for (const [sequence, { first, draft }] of rows) {
      if (!isFirst) sequence.time.spent("others_sampling", this.#clock());
      isFirst = false;
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
      const kept = this.#context.truncate(slot.kvSequence, slot.tokens.length);
      if (kept < slot.tokens.length) throw new Error("a draft was made that can't be taken back");
    }
    if (sequence.finishReason !== undefined) {
      this.#finish(sequence, sequence.finishReason, text);
      return;
    }
    this.#emission.text(sequence, text);
    sequence.time.spent("own_sampling", this.#clock());
  }

  #finish(sequence: Sequence, finishReason: FinishReason, text: string): void {
    const now = this.#clock();
    const { slot, prompt, onPinned } = sequence;
    if (slot === undefined) sequence.time.waited(sequence.waitsFor, now);
    else if (sequence.lastTokenAt === undefined) sequence.time.spent("overhead", now);
    if (slot !== undefined && onPinned !== undefined && finishReason !== "cancelled") {
      this.cache.pin(slot, prompt.length);
      onPinned(slot.kvSequence);
    } else if (slot !== undefined) {
      this.#speculation?.remember(slot.tokens, prompt.length, sequence.scope);
      const { layout, contextPerSequence } = this.#context;
      this.#study.ended(sequence, slot.tokens);
      this.cache.release(slot, now);
      this.cache.trim(maxIdleTokens(layout, contextPerSequence));
    }
    this.#remove(sequence);
    this.#emission.end(sequence, finishReason, text, now);
  }

  #fail(sequence: Sequence, error: unknown): void {
    if (sequence.slot !== undefined) this.cache.discard(sequence.slot, this.#clock());
    this.#remove(sequence);
    this.#emission.failure(sequence, error);
  }

  #remove(sequence: Sequence): void {
    sequence.freeSampler();
    sequence.slot = undefined;
    this.#running = this.#running.filter((other) => other !== sequence);
    this.#admission.remove(sequence);
  }
}

/** Whether tokens of other sequences than this one were chosen in a step. */
function isBesideOthers(sequence: Sequence, rows: ReadonlyMap<Sequence, Rows>): boolean {
  return rows.size > Number(rows.has(sequence));
}
