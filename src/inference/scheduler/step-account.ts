import type { Clock } from "../../platform/clock.ts";
import type { StepPart } from "../generation-parts.ts";
import type { ProcessorWait } from "../machine/processor-wait.ts";
import type { SequenceShare, StepRecord } from "../step-record.ts";
import type { Sequence } from "./sequence.ts";
import { StepModel, type StepRates, type StepShape } from "./step-model.ts";
import type { StepShares } from "./step-shares.ts";

/** Tells how long compute threads waited for processors during a step. */
export type StepWait = Pick<ProcessorWait, "begin" | "end">;

/** A step's record but for what surrounds its decode. */
export type DecodeRecord = Omit<StepRecord, "startedAt" | "planMs" | "sampleMs">;

/** Explains where the time of each decode went: to the timeline, and to every sequence that was running. */
export class StepAccount {
  readonly #clock: Clock;
  readonly #processorWait: StepWait | undefined;
  readonly #model = new StepModel();

  constructor(clock: Clock, processorWait: StepWait | undefined) {
    this.#clock = clock;
    this.#processorWait = processorWait;
  }

  /** Milliseconds that a prompt of `tokens` should take to compute, passes over the weights not counted. */
  promptMs(tokens: number): number {
    const prefillKvTokens = (tokens * (tokens + 1)) / 2;
    const shape = { passes: 0, decodeRows: 0, prefillTokens: tokens, kvTokens: 0, prefillKvTokens };
    return this.#model.expectedMs(shape);
  }

  /** To be called just before a decode. Returns the time that it begins. */
  begin(running: readonly Sequence[]): number {
    const now = this.#clock();
    for (const sequence of running) sequence.time.spent("overhead", now);
    this.#processorWait?.begin();
    return now;
  }

  /** Learns from a decode that began at `startedAt` and is over. */
  end(running: readonly Sequence[], waiting: number, shares: StepShares, startedAt: number): DecodeRecord {
    const now = this.#clock();
    const { longestMs, totalMs } = this.#processorWait?.end() ?? { longestMs: 0, totalMs: 0 };
    const { total } = shares;
    const expectedMs = this.#model.expectedMs(total);
    const elapsedMs = now - startedAt;
    this.#model.observe(total, Math.max(0, elapsedMs - longestMs));
    const { rates } = this.#model;
    const rowsMs = rates.decodeRows * total.decodeRows + this.#model.beyondRatesMs(total);
    for (const sequence of running) {
      const own = shares.bySequence.get(sequence);
      if (own === undefined) sequence.time.spent(hasTurns(sequence) ? "others_rows" : "turn", now);
      else if (isFiller(sequence, own)) sequence.time.spent("turn", now);
      else sequence.time.computed(expectedParts(own, total, rates, rowsMs), totalMs, now);
    }
    return {
      decodeMs: elapsedMs,
      expectedMs,
      processorWaitMs: longestMs,
      passes: total.passes,
      decodeRows: total.decodeRows,
      prefillTokens: total.prefillTokens,
      kvTokens: total.kvTokens + total.prefillKvTokens,
      running: running.length,
      waiting,
      sequences: sequenceShares(shares),
    };
  }
}

/** Milliseconds of each part for one of a step's sequences; `rowsMs`: what all of its rows should take together. */
function expectedParts(
  own: StepShape,
  total: StepShape,
  rates: StepRates,
  rowsMs: number,
): Partial<Record<StepPart, number>> {
  const prefillMs = ({ prefillTokens, prefillKvTokens }: StepShape) =>
    rates.prefillTokens * prefillTokens + rates.prefillKvTokens * prefillKvTokens;
  const ownShare = total.decodeRows === 0 ? 0 : own.decodeRows / total.decodeRows;
  return {
    // Quicker than the rates say is first the rows, and then the weights.
    weights: Math.max(0, rates.passes * total.passes + Math.min(0, rowsMs)),
    own_prefill: prefillMs(own),
    others_prefill: prefillMs(total) - prefillMs(own),
    own_rows: Math.max(0, rowsMs) * ownShare,
    others_rows: Math.max(0, rowsMs) * (1 - ownShare),
    own_kv: rates.kvTokens * own.kvTokens,
    others_kv: rates.kvTokens * (total.kvTokens - own.kvTokens),
  };
}

/** Whether a step without it was because sequences decode in turn, and not because prompts or other lanes go first. */
function hasTurns({ isPrefilling, lane }: Sequence): boolean {
  return !isPrefilling && lane === "interactive";
}

/** Whether a prompt got no more than the one token that keeps neighbouring rows together (`planPrefill`). */
function isFiller({ remainingPrompt }: Sequence, { prefillTokens }: StepShape): boolean {
  return prefillTokens === 1 && remainingPrompt > 0;
}

function sequenceShares({ bySequence }: StepShares): SequenceShare[] {
  return [...bySequence].map(([{ id, slot }, { prefillTokens, decodeRows }]) => ({
    generation: id,
    kvSequence: slot?.kvSequence ?? -1,
    prefillTokens,
    decodeRows,
  }));
}
