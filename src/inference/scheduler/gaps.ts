import { bridges, neighbours, passes, type SequenceRows } from "../kv-cache/passes.ts";
import type { PrefixCache } from "../kv-cache/prefix-cache.ts";
import type { SlotMove } from "../kv-cache/slots.ts";
import type { DecodeContext } from "./decode-context.ts";
import type { SpareRow } from "./fill.ts";
import { type BatchPlan, isPlainDecode } from "./plan.ts";
import { RowPadding } from "./row-padding.ts";
import type { RowTimes } from "./row-times.ts";
import type { StepCost } from "./step-cost.ts";

/** Cost of a row without logits, as a share of one with: the output matrix is half of a small model's work. */
export const BRIDGE_SHARE = 0.5;
/** Longest gap that is bridged until the costs of rows and passes are known. */
const FIRST_BRIDGE = 3;
/** Decode steps with a gap after which sequences are moved to close it, one per step: a copy costs about a pass. */
const STEPS_BEFORE_MOVE = 2;

/**
 * Where each sequence has a buffer of its own, every gap between the sequences of a step costs a pass over the weights
 * (`kv-cache/passes.ts`). Short gaps are bridged by rows that are computed and forgotten; longer ones are closed by
 * moving a sequence. Such rows also fill the last group of rows (`row-padding.ts`).
 */
export class Gaps {
  readonly #context: DecodeContext;
  readonly #cache: PrefixCache;
  readonly #cost: StepCost;
  /** Decode steps in a row that took several passes. */
  #stepsWithGap = 0;
  readonly #padding: RowPadding;

  constructor(context: DecodeContext, cache: PrefixCache, cost: StepCost, times: RowTimes) {
    this.#context = context;
    this.#cache = cache;
    this.#cost = cost;
    this.#padding = new RowPadding(times);
  }

  /** Rows beside those of the plan that make the step faster: in gaps, and to fill a group of rows. */
  spareRows(plan: BatchPlan): readonly SpareRow[] {
    const { isOnePass, isPlain, batch } = this.#context;
    const entries = rowsBySequence(plan);
    if (isOnePass || !isPlain || entries.length < 2) return [];
    const sequences = entries.map(({ kvSequence }) => kvSequence);
    const bridging = this.#bridges(sequences);
    const padding = isPlainDecode(plan) ? this.#paddingOf([...sequences, ...bridging]) : [];
    const rowAt = (purpose: SpareRow["purpose"]) => (kvSequence: number) => ({
      kvSequence,
      position: this.#cache.length(kvSequence),
      purpose,
    });
    const spare = [...bridging.map(rowAt("bridge")), ...padding.map(rowAt("padding"))];
    const room = batch.capacity - entries.reduce((sum, { rows }) => sum + rows, 0);
    return spare.length > room ? [] : spare;
  }

  /** Sequences in gaps whose rows cost less than the passes that the gaps would cost. */
  #bridges(sequences: readonly number[]): readonly number[] {
    const { msPerPass, msPerDecodeRow } = this.#cost;
    const longest =
      msPerPass === undefined || !msPerDecodeRow
        ? FIRST_BRIDGE
        : Math.floor(msPerPass / (BRIDGE_SHARE * msPerDecodeRow));
    return bridges(sequences, longest, this.#canTakeRow);
  }

  /** Neighbours of `sequences` that fill their last group of rows; none where there are not enough of them. */
  #paddingOf(sequences: readonly number[]): readonly number[] {
    const first = Math.min(...sequences);
    const last = Math.max(...sequences);
    // With a gap that is not bridged the rows are not computed together.
    const isOneRun = last - first + 1 === sequences.length;
    const missing = isOneRun ? this.#padding.rows(sequences.length) - sequences.length : 0;
    return neighbours(first, last, missing, this.#canTakeRow);
  }

  readonly #canTakeRow = (kvSequence: number): boolean =>
    this.#cache.canBridge(kvSequence, this.#context.contextPerSequence);

  /** Passes over the weights that a step takes. */
  passes(plan: BatchPlan, spare: readonly SpareRow[]): number {
    if (this.#context.isOnePass) return 1;
    return passes([...rowsBySequence(plan), ...spare.map(({ kvSequence }) => ({ kvSequence, rows: 1 }))]);
  }

  /**
   * To be called after a step that only decoded, with the passes it took: where running sequences have stayed apart
   * for some steps, one is moved beside the others. Returns the move.
   */
  close(stepPasses: number): SlotMove | undefined {
    this.#stepsWithGap = stepPasses > 1 ? this.#stepsWithGap + 1 : 0;
    if (this.#context.isOnePass || this.#stepsWithGap < STEPS_BEFORE_MOVE) return undefined;
    return this.#cache.closeGap();
  }
}

function rowsBySequence(plan: BatchPlan): SequenceRows[] {
  const rows = [
    ...plan.decoding.map(({ sequence, draft }) => ({ sequence, rows: 1 + draft.length })),
    ...plan.prefilling.map(({ sequence, length }) => ({ sequence, rows: length })),
  ];
  return rows.map(({ sequence: { slot }, rows: count }) => {
    if (slot === undefined) throw new Error("a planned sequence lacks its slot");
    return { kvSequence: slot.kvSequence, rows: count };
  });
}
