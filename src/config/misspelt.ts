import type { Environment } from "./config.ts";
import { sections } from "./settings.ts";

/** Below this, names one edit apart are often different words: HOST and POST. */
const SHORTEST = 6;

/** Variables that are not a setting but one slip of the keyboard away from one, each as a sentence. */
export function misspeltSettings(environment: Environment): readonly string[] {
  const settings = new Set(
    Object.values(sections).flatMap((section) => Object.values(section).map(({ variable }) => variable)),
  );
  return Object.keys(environment)
    .filter((name) => name.length >= SHORTEST && !settings.has(name))
    .flatMap((name) => {
      const meant = [...settings].find((setting) => isOneEditApart(name.toUpperCase(), setting));
      return meant === undefined ? [] : [`${name} is not a setting: did you mean ${meant}?`];
    });
}

/** Whether one letter more, less, other or swapped with its neighbour makes `a` of `b`; also when they are equal. */
function isOneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  const isSwap = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return restA.slice(1) === restB.slice(1) || restA === restB.slice(1) || restA.slice(1) === restB || isSwap;
}
