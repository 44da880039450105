import type { PrefixReport } from "../cache-report.ts";
import type { FinishReason, GenerationTimings, ScoredToken, Usage } from "../engine.ts";
import type { StepRecord } from "../step-record.ts";

/** News of one sequence after a step. */
export interface SequenceOutput {
  readonly id: number;
  readonly text: string;
  /** The tokens that `text` completes, where they are scored. */
  readonly tokens?: readonly ScoredToken[];
  /** The prompt's tokens, once, where they are scored. */
  readonly promptTokens?: readonly ScoredToken[];
  readonly done?: {
    readonly finishReason: FinishReason;
    readonly stopText?: string;
    readonly usage: Usage;
    readonly timings: GenerationTimings;
  };
  /** The sequence could not continue. */
  readonly error?: unknown;
}

/** A sequence that left the queue. */
export interface SequenceStart {
  readonly id: number;
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly prefix: PrefixReport<number>;
}

export interface StepReport {
  readonly outputs: readonly SequenceOutput[];
  /** Wall time of the step, and of the part spent in decode and sampling. */
  readonly stepMs: number;
  readonly computeMs: number;
  /** What that part should have taken, by what earlier steps took; 0 while nothing is known. */
  readonly expectedMs: number;
  /** What the steps that computed something did. */
  readonly records: readonly StepRecord[];
  /** Steps that computed no prompt, and the passes over the weights that they took: as many, if nothing is amiss. */
  readonly decodeSteps: number;
  readonly decodePasses: number;
}
