import {
  expectedMs,
  type StepCosts,
  StepModel,
  type StepShape,
} from "../../inference/scheduler/step-model.ts";
import type { KeptStep } from "../../telemetry/steps/step-ring.ts";
import { mean, quantile } from "./quantiles.ts";

/** Steps that are needed before anything is predicted from them. */
const MIN_STEPS = 50;
/** Pauses beyond this are not the engine's: nothing was to be done, or something else ran. */
const LONGEST_PAUSE_MS = 20;
/** Ratios that are kept: as many as tell the shape of their distribution. */
const MAX_RATIOS = 2000;

/** What an engine's steps cost, from those that it ran. Plain data: a thread gets it. */
export interface StepFit extends StepCosts {
  /** What decodes took, as multiples of what they should have: with and without prompt tokens. */
  readonly ratios: { readonly prefill: readonly number[]; readonly decode: readonly number[] };
  /** Around a decode: planning, sampling and the pause before the next one; of a step, and for each of its decode rows. */
  readonly overheadMs: number;
  readonly overheadMsPerRow: number;
  readonly steps: number;
  /** Largest numbers of decode rows and prompt tokens in a step that were seen. */
  readonly seen: { readonly decodeRows: number; readonly prefillTokens: number };
  /** Median of how far off the expected time of a step is, as a share of what it took without waits for processors. */
  readonly medianError: number;
}

/** Undefined where there are too few steps to learn from. */
export function fitSteps(steps: readonly KeptStep[]): StepFit | undefined {
  if (steps.length < MIN_STEPS) return undefined;
  const model = new StepModel(1);
  // What threads waited for processors is others' doing, and not a cost of the step.
  for (const step of steps) model.observe(shapeOf(step), computeMs(step));
  const { rates, beyondRates } = model;
  const expected = steps.map((step) => expectedMs({ rates, beyondRates }, shapeOf(step)));
  const ratios = (isOfKind: (step: KeptStep) => boolean) =>
    steps
      .flatMap((step, at) => {
        const ms = expected[at] ?? 0;
        return isOfKind(step) && ms > 0 ? [step.decodeMs / ms] : [];
      })
      .slice(-MAX_RATIOS);
  const largest = (of: "decodeRows" | "prefillTokens") =>
    steps.reduce((most, step) => Math.max(most, step[of]), 0);
  return {
    rates,
    beyondRates,
    ratios: {
      prefill: ratios(({ prefillTokens }) => prefillTokens > 0),
      decode: ratios(({ prefillTokens }) => prefillTokens === 0),
    },
    ...overheads(steps),
    steps: steps.length,
    seen: { decodeRows: largest("decodeRows"), prefillTokens: largest("prefillTokens") },
    medianError: quantile(
      steps.map((step, at) => Math.abs((expected[at] ?? 0) / Math.max(computeMs(step), 1e-3) - 1)),
      0.5,
    ),
  };
}

function computeMs({ decodeMs, processorWaitMs }: KeptStep): number {
  return Math.max(0, decodeMs - processorWaitMs);
}

/** A record has the tokens that were read for both kinds of rows together: they are divided by the numbers of rows. */
function shapeOf({ passes, decodeRows, prefillTokens, kvTokens }: KeptStep): StepShape {
  const share = prefillTokens === 0 ? 0 : prefillTokens / (decodeRows + prefillTokens);
  const ofPrompts = kvTokens * share;
  return { passes, decodeRows, prefillTokens, kvTokens: kvTokens - ofPrompts, prefillKvTokens: ofPrompts };
}

/** Least squares of what steps took around their decodes, by their rows. */
function overheads(steps: readonly KeptStep[]): Pick<StepFit, "overheadMs" | "overheadMsPerRow"> {
  const points = steps.map((step, at) => {
    const next = steps[at + 1];
    const end = step.startedAt + step.planMs + step.decodeMs + step.sampleMs;
    const pauseMs = next === undefined ? 0 : next.startedAt - end;
    const isPause = pauseMs > 0 && pauseMs <= LONGEST_PAUSE_MS;
    return { rows: step.decodeRows, ms: step.planMs + step.sampleMs + (isPause ? pauseMs : 0) };
  });
  const rows = mean(points.map((point) => point.rows));
  const ms = mean(points.map((point) => point.ms));
  const variance = mean(points.map((point) => (point.rows - rows) ** 2));
  const covariance = mean(points.map((point) => (point.rows - rows) * (point.ms - ms)));
  const slope = variance > 0 ? Math.max(0, covariance / variance) : 0;
  return { overheadMs: Math.max(0, ms - slope * rows), overheadMsPerRow: slope };
}
