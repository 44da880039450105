import type { Measurement } from "./measurement.ts";
import { lowerIsBetter } from "./request.ts";

/** A record passes by default when its judge scores are this on average, of 1 to 10. */
export const DEFAULT_PASS_SCORE = 7;
/** And each of its metrics is this at least, of those that go from 0 to 1. */
export const DEFAULT_PASS_METRIC = 0.5;

/** Least values by the names of criteria and metrics; for perplexity, where less is better, the largest one. */
export type Thresholds = Readonly<Record<string, number>>;

/** Why a record does not pass by `thresholds`, or by the default rule when there are none; null when it passes. */
export function failureCode(measurement: Measurement, thresholds: Thresholds): string | null {
  if (measurement.output.trim() === "") return "empty_output";
  const { scores, metrics } = measurement;
  const values = Object.values(metrics);
  // Nothing was measured, so the record does not pass.
  if (scores.length === 0 && values.length > 0 && values.every((value) => value === null))
    return "missing_reference";
  const isDefault = Object.keys(thresholds).length === 0;
  return isDefault ? failureByDefault(measurement) : failureByThresholds(measurement, thresholds);
}

function failureByDefault({ scores, metrics }: Measurement): string | null {
  const mean = scores.reduce((sum, { score }) => sum + score, 0) / scores.length;
  if (scores.length > 0 && mean < DEFAULT_PASS_SCORE) return "low_score";
  const isWrong = Object.entries(metrics).some(
    ([name, value]) => value !== null && !lowerIsBetter.has(name) && value < DEFAULT_PASS_METRIC,
  );
  return isWrong ? "wrong_answer" : null;
}

function failureByThresholds({ scores, metrics }: Measurement, thresholds: Thresholds): string | null {
  for (const { criterion, score } of scores) {
    const least = thresholds[criterion];
    if (least !== undefined && score < least) return "low_score";
  }
  for (const [name, value] of Object.entries(metrics)) {
    const limit = thresholds[name];
    if (limit === undefined) continue;
    if (value === null) return "missing_reference";
    if (lowerIsBetter.has(name) ? value > limit : value < limit) return "wrong_answer";
  }
  return null;
}
