import { setImmediate as yieldToOthers } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { InvalidRequestError } from "../../../errors.ts";
import { describeJudge } from "../judge.ts";
import { comparePasses, compareScores, type PairedComparison } from "../statistics/paired-comparison.ts";
import { metricNames } from "./request.ts";
import type { ResultFigures } from "./results-table.ts";
import type { Run } from "./run.ts";

export type RunComparison = Awaited<ReturnType<typeof compareRuns>>;

/**
 * Two runs over the same records, record by record; differences are b - a. A record that failed in either run has no
 * scores to compare there, and did not pass.
 * @throws InvalidRequestError when the runs are of different records, or of nothing in common
 */
export async function compareRuns(
  [a, figuresOfA]: readonly [Run, readonly ResultFigures[]],
  [b, figuresOfB]: readonly [Run, readonly ResultFigures[]],
) {
  requireSameRecords(a, b);
  const byPosition = new Map(figuresOfB.map((figures) => [figures.position, figures]));
  const pairs = figuresOfA.flatMap((one) => {
    const other = byPosition.get(one.position);
    return other === undefined ? [] : [{ one, other }];
  });
  if (pairs.length === 0) throw new InvalidRequestError("The runs have no records in common yet.");
  const compare = async (kind: "scores" | "expectedScores" | "metrics", names: readonly string[]) => {
    const compared: Record<string, ReturnType<typeof describeScores>> = {};
    for (const name of names) {
      const values = pairs.flatMap(({ one, other }) => {
        const [first, second] = [one[kind][name], other[kind][name]];
        return typeof first === "number" && typeof second === "number" ? [{ first, second }] : [];
      });
      if (values.length === 0) continue;
      compared[name] = describeScores(
        compareScores(
          values.map(({ first }) => first),
          values.map(({ second }) => second),
        ),
      );
      await yieldToOthers();
    }
    return compared;
  };
  const inBoth = (of: (run: Run) => readonly string[]) => of(a).filter((name) => of(b).includes(name));
  return {
    a: a.runId,
    b: b.runId,
    dataset_id: a.datasetId,
    paired_items: pairs.length,
    unpaired_items: figuresOfA.length + figuresOfB.length - 2 * pairs.length,
    scores: await compare(
      "scores",
      inBoth(({ request }) => request.criteria),
    ),
    scores_expected: await compare(
      "expectedScores",
      inBoth(({ request }) => request.criteria),
    ),
    metrics: await compare(
      "metrics",
      inBoth(({ request }) => metricNames(request)),
    ),
    pass: describePasses(pairs),
    warnings: [differentJudges(a, b) ?? [], differentRules(a, b) ?? []].flat(),
  };
}

function differentJudges(a: Run, b: Run) {
  const [one, other] = [a.provenance.judge, b.provenance.judge];
  if (one === null || other === null || describeJudge(one) === describeJudge(other)) return undefined;
  return {
    code: "different_judges",
    message: `The scores are of different judges and can't be compared: ${describeJudge(one)}, and ${describeJudge(other)}.`,
  };
}

/** Passing is by the thresholds, or where there are none by everything that was measured. */
function differentRules(a: Run, b: Run) {
  const rule = ({ request }: Run) => {
    const { thresholds, criteria } = request;
    return Object.keys(thresholds).length > 0
      ? thresholds
      : [new Set(criteria), new Set(metricNames(request))];
  };
  if (isDeepStrictEqual(rule(a), rule(b))) return undefined;
  return {
    code: "different_pass_rules",
    message:
      "What passes in one run need not pass in the other: their thresholds, criteria or metrics differ.",
  };
}

function requireSameRecords(a: Run, b: Run): void {
  const [one, other] = [a.provenance.dataset, b.provenance.dataset];
  if (one.content_hash === other.content_hash) return;
  throw new InvalidRequestError(
    `Runs of different records can't be compared: ${a.runId} is of ${one.dataset_id} (${one.name}), ${b.runId} of ${other.dataset_id} (${other.name}).`,
    { param: "b", details: { a: one, b: other } },
  );
}

function describeScores(comparison: PairedComparison) {
  const { interval, outcomes, permutationTest, minimumDetectableEffect, warning, ...rest } = comparison;
  return {
    count: rest.count,
    mean_a: rest.meanFirst,
    mean_b: rest.meanSecond,
    difference: rest.difference,
    difference_ci95_lower: interval.lower,
    difference_ci95_upper: interval.upper,
    ...outcomes,
    sign_test_p: rest.signTestP,
    permutation_test_p: permutationTest.pValue,
    permutation_test_method: permutationTest.method,
    minimum_detectable_effect: finite(minimumDetectableEffect),
    warning: warning ?? null,
  };
}

function describePasses(
  pairs: ReadonlyArray<{ readonly one: ResultFigures; readonly other: ResultFigures }>,
) {
  const passes = (side: "one" | "other") => pairs.map((pair) => pair[side].failureCode === null);
  const { table, interval, mcnemarChiSquare, warning, ...rest } = comparePasses(
    passes("one"),
    passes("other"),
  );
  return {
    rate_a: rest.rateFirst,
    rate_b: rest.rateSecond,
    difference: rest.difference,
    difference_ci95_lower: interval.lower,
    difference_ci95_upper: interval.upper,
    both_passed: table.bothPassed,
    only_a_passed: table.onlyFirstPassed,
    only_b_passed: table.onlySecondPassed,
    both_failed: table.bothFailed,
    mcnemar_exact_p: rest.mcnemarExactP,
    mcnemar_chi_square: mcnemarChiSquare.statistic,
    mcnemar_chi_square_p: mcnemarChiSquare.pValue,
    minimum_detectable_effect: finite(rest.minimumDetectableEffect),
    warning: warning ?? null,
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
