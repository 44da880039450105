import type { DecodeContext } from "./decode-context.ts";
import type { DecodeTurns } from "./decode-turns.ts";
import { type BatchPlan, planPrefill } from "./plan.ts";
import type { Priorities } from "./priorities.ts";
import type { Sequence } from "./sequence.ts";
import type { Speculation } from "./speculation.ts";
import type { StepCost } from "./step-cost.ts";

/** What the planner decides by: each learns from the steps that have run. */
export interface Policies {
  readonly cost: StepCost;
  readonly priorities: Priorities;
  readonly turns: DecodeTurns;
  /** Undefined where nothing is drafted. */
  readonly speculation: Speculation | undefined;
}

/** Decides who takes part in the next step, and with how many tokens. */
export class BatchPlanner {
  readonly #context: DecodeContext;
  readonly #policies: Policies;
  #prefillSteps = 0;
  #wasAlone = false;

  constructor(context: DecodeContext, policies: Policies) {
    this.#context = context;
    this.#policies = policies;
  }

  /** Those that can share a step: one that is computed alone has every second one to itself. */
  #together(sequences: readonly Sequence[]): readonly Sequence[] {
    const [alone] = sequences.filter(({ isAlone }) => isAlone);
    const others = sequences.filter(({ isAlone }) => !isAlone);
    this.#wasAlone = alone !== undefined && (others.length === 0 || !this.#wasAlone);
    return alone !== undefined && this.#wasAlone ? [alone] : others;
  }

  /** Every decoding sequence gets its token, and a draft where that pays, unless they have turns; the rest of the budget goes to prompts. */
  plan(running: readonly Sequence[], now: number): BatchPlan {
    const { batch, maxOutputs } = this.#context;
    const { cost, priorities, turns, speculation } = this.#policies;
    const taking = this.#together(priorities.takingPart(running, now));
    const decoding = taking.filter((sequence) => !sequence.isPrefilling);
    const waitingForPrefill = taking.filter((sequence) => sequence.isPrefilling);
    if (waitingForPrefill.length === 0) {
      const drafts = this.#wasAlone
        ? undefined
        : speculation?.draft(decoding, Math.min(maxOutputs, batch.capacity));
      const withRow = drafts === undefined || drafts.size === 0 ? turns.taking(decoding) : decoding;
      return {
        decoding: withRow.map((sequence) => ({ sequence, draft: drafts?.get(sequence) ?? [] })),
        prefilling: [],
      };
    }
    const room = batch.capacity - decoding.length;
    const tokens = cost.prefillTokens(decoding.length, waitingForPrefill.length, room);
    return {
      decoding: decoding.map((sequence) => ({ sequence, draft: [] })),
      // Each running sequence may want one row of its own; the rest is for prompts whose every token is scored.
      prefilling: planPrefill(waitingForPrefill, {
        tokens,
        batchTokens: Math.min(tokens, priorities.batchTokens(taking, now)),
        scoredRows: maxOutputs - running.length,
        first: this.#prefillSteps++ % 2 === 0 ? "oldest" : "shortest",
      }),
    };
  }
}
