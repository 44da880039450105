import type { Slot } from "../kv-cache/slots.ts";
import type { BatchPlan } from "./plan.ts";
import type { Sequence } from "./sequence.ts";

/** Where the tokens of one decode are written. */
export interface BatchRows {
  clear(): void;
  /** Adds a token and returns the row that names its logits. */
  add(token: number, position: number, kvSequence: number, wantsLogits: boolean): number;
}

/** Rows of a sequence whose logits are to be sampled, in order, and the tokens drafted after each. */
export interface Rows {
  readonly first: number;
  readonly draft: readonly number[];
}

/** A row whose result is not wanted: it is computed because others are computed faster with it, and forgotten. */
export interface SpareRow {
  readonly kvSequence: number;
  readonly position: number;
  /** `bridge` joins the sequences on both sides of its own in one pass; `padding` fills a group of rows. */
  readonly purpose: "bridge" | "padding";
}

/** Any token does for a spare row. */
const SPARE_TOKEN = 0;

/**
 * Writes a plan into the batch; returns the rows to sample of each sequence that gets a token. Rows go in by KV
 * sequence, because only neighbours that come in order share a pass (`kv-cache/passes.ts`).
 */
export function fillBatch(
  plan: BatchPlan,
  batch: BatchRows,
  spare: readonly SpareRow[] = [],
): Map<Sequence, Rows> {
  const rows = new Map<Sequence, Rows>();
  batch.clear();
  const entries = [...plan.decoding, ...plan.prefilling].map((entry) => ({
    entry,
    at: slotOf(entry.sequence).kvSequence,
  }));
  const inOrder = [...entries, ...spare.map((row) => ({ row, at: row.kvSequence }))].toSorted(
    (a, b) => a.at - b.at,
  );
  for (const one of inOrder) {
    if ("row" in one) {
      // Logits too are computed in groups of rows.
      batch.add(SPARE_TOKEN, one.row.position, one.row.kvSequence, one.row.purpose === "padding");
      continue;
    }
    const { entry } = one;
    const { sequence } = entry;
    const slot = slotOf(sequence);
    if ("draft" in entry) rows.set(sequence, fillDecode(batch, sequence, slot, entry.draft));
    else {
      const last = fillPrefill(batch, sequence, slot, entry.length);
      if (last !== undefined) rows.set(sequence, { first: last, draft: [] });
    }
  }
  return rows;
}

function fillDecode(batch: BatchRows, sequence: Sequence, slot: Slot, draft: readonly number[]): Rows {
  if (sequence.lastToken === undefined) throw new Error("a decoding sequence lacks its token");
  const first = batch.add(sequence.lastToken, slot.tokens.length, slot.kvSequence, true);
  slot.tokens.push(sequence.lastToken);
  for (const token of draft) {
    batch.add(token, slot.tokens.length, slot.kvSequence, true);
    slot.tokens.push(token);
  }
  return { first, draft };
}

/** Returns the row of the prompt's last token when the chunk reaches it. */
function fillPrefill(batch: BatchRows, sequence: Sequence, slot: Slot, length: number): number | undefined {
  const { prompt, promptScores } = sequence;
  let last: number | undefined;
  for (const end = sequence.prefilled + length; sequence.prefilled < end; sequence.prefilled++) {
    const token = prompt[sequence.prefilled] as number;
    const isLast = sequence.prefilled === prompt.length - 1;
    const scores = sequence.prefilled >= (promptScores?.unscored ?? 0) ? promptScores : undefined;
    const row = batch.add(token, sequence.prefilled, slot.kvSequence, isLast || scores !== undefined);
    scores?.expect(row, sequence.prefilled);
    slot.tokens.push(token);
    if (isLast) last = row;
  }
  return last;
}

function slotOf({ slot }: Sequence): Slot {
  if (slot === undefined) throw new Error("a planned sequence lacks its slot");
  return slot;
}
