import { type BootstrapOptions, bootstrapMeanInterval } from "./bootstrap.ts";
import type { Interval } from "./interval.ts";
import { mcnemarChiSquare, mcnemarExact, type PassTable, passTable } from "./mcnemar.ts";
import { type PermutationResult, permutationTest } from "./permutation-test.ts";
import { minimumDetectableEffect, type PowerOptions } from "./power.ts";
import { mean, standardDeviation } from "./sample.ts";
import { type Outcomes, outcomes, signTest } from "./sign-test.ts";
import { type SizeWarning, tooSmallToCompare } from "./size-warning.ts";

export interface ComparisonOptions extends BootstrapOptions, PowerOptions {
  /** Differences up to this size are ties; 0 when left out. */
  readonly tieTolerance?: number;
}

/** Two runs over the same records, value by value. Differences are second - first. */
export interface PairedComparison {
  readonly count: number;
  readonly meanFirst: number;
  readonly meanSecond: number;
  readonly difference: number;
  /** BCa bootstrap interval of the mean difference. */
  readonly interval: Interval;
  readonly outcomes: Outcomes;
  readonly signTestP: number;
  readonly permutationTest: PermutationResult;
  readonly minimumDetectableEffect: number;
  readonly warning: SizeWarning | undefined;
}

/**
 * Compares scores of the same records in two runs. Shapes: [records] each, in the same order.
 * @throws RangeError when they are of different lengths or empty
 */
export function compareScores(
  first: readonly number[],
  second: readonly number[],
  options: ComparisonOptions = {},
): PairedComparison {
  if (first.length !== second.length) throw new RangeError("paired runs have as many records as each other");
  const differences = second.map((value, index) => value - (first[index] as number));
  const count = differences.length;
  const difference = mean(differences);
  const deviation = standardDeviation(differences);
  const interval = bootstrapMeanInterval(differences, options);
  const counted = outcomes(differences, options.tieTolerance);
  const isSignificant = interval.lower > 0 || interval.upper < 0;
  return {
    count,
    meanFirst: mean(first),
    meanSecond: mean(second),
    difference,
    interval,
    outcomes: counted,
    signTestP: signTest(counted),
    permutationTest: permutationTest(differences, options),
    minimumDetectableEffect: minimumDetectableEffect(count, deviation, options),
    warning: tooSmallToCompare({ count, difference, deviation, isSignificant }, options),
  };
}

export interface PassComparison {
  readonly table: PassTable;
  readonly rateFirst: number;
  readonly rateSecond: number;
  readonly difference: number;
  /** BCa bootstrap interval of the difference between the rates. */
  readonly interval: Interval;
  readonly mcnemarExactP: number;
  readonly mcnemarChiSquare: { readonly statistic: number; readonly pValue: number };
  readonly minimumDetectableEffect: number;
  readonly warning: SizeWarning | undefined;
}

/** Compares which of the same records passed in two runs. @throws as `compareScores` */
export function comparePasses(
  first: readonly boolean[],
  second: readonly boolean[],
  options: ComparisonOptions = {},
): PassComparison {
  const scores = compareScores(first.map(Number), second.map(Number), options);
  const table = passTable(first, second);
  return {
    table,
    rateFirst: scores.meanFirst,
    rateSecond: scores.meanSecond,
    difference: scores.difference,
    interval: scores.interval,
    mcnemarExactP: mcnemarExact(table),
    mcnemarChiSquare: mcnemarChiSquare(table),
    minimumDetectableEffect: scores.minimumDetectableEffect,
    warning: scores.warning,
  };
}
