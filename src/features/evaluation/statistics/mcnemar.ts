import { evenSplitP } from "./binomial.ts";
import { normalCdf } from "./normal.ts";

/** Records of two runs by whether each passed. */
export interface PassTable {
  readonly bothPassed: number;
  readonly onlyFirstPassed: number;
  readonly onlySecondPassed: number;
  readonly bothFailed: number;
}

/** @throws RangeError when the runs are of different lengths */
export function passTable(first: readonly boolean[], second: readonly boolean[]): PassTable {
  if (first.length !== second.length) throw new RangeError("paired runs have as many records as each other");
  const count = (a: boolean, b: boolean) =>
    first.filter((passed, index) => passed === a && second[index] === b).length;
  return {
    bothPassed: count(true, true),
    onlyFirstPassed: count(true, false),
    onlySecondPassed: count(false, true),
    bothFailed: count(false, false),
  };
}

/** Exact McNemar test: the records that changed, as throws of a fair coin. Right for any number of records. */
export function mcnemarExact({ onlyFirstPassed, onlySecondPassed }: PassTable): number {
  return evenSplitP(onlyFirstPassed, onlySecondPassed);
}

/**
 * McNemar's chi-square with one degree of freedom, for comparison with papers that report it; `corrected` is Edwards'
 * continuity correction. Only an approximation for fewer than 25 changed records.
 */
export function mcnemarChiSquare(
  { onlyFirstPassed, onlySecondPassed }: PassTable,
  corrected = true,
): { readonly statistic: number; readonly pValue: number } {
  const changed = onlyFirstPassed + onlySecondPassed;
  if (changed === 0) return { statistic: 0, pValue: 1 };
  const distance = Math.max(0, Math.abs(onlyFirstPassed - onlySecondPassed) - (corrected ? 1 : 0));
  const statistic = distance ** 2 / changed;
  return { statistic, pValue: 2 * normalCdf(-Math.sqrt(statistic)) };
}
