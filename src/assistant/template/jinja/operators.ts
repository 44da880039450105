import type { Budget } from "./budget.ts";
import { percentFormat } from "./methods.ts";
import { compare, equals, items, Namespace, TemplateError, toNumber, toText, type Value } from "./values.ts";

/** Operators on two values that are both evaluated, which those of `and` and `or` may not be. */
export function binary(operator: string, a: Value, b: Value, budget: Budget): Value {
  switch (operator) {
    case "+":
      if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
      if (typeof a === "number" && typeof b === "number") return a + b;
      if (typeof a === "string" || typeof b === "string") return budget.bounded(toText(a) + toText(b));
      return toNumber(a) + toNumber(b);
    case "~":
      return budget.bounded(toText(a) + toText(b));
    case "-":
      return toNumber(a) - toNumber(b);
    case "*":
      if (typeof a === "string") return budget.repeated(a, toNumber(b));
      return typeof b === "string" ? budget.repeated(b, toNumber(a)) : toNumber(a) * toNumber(b);
    case "/":
      return toNumber(a) / toNumber(b);
    case "//":
      return Math.floor(toNumber(a) / toNumber(b));
    case "%":
      if (typeof a === "string") return percentFormat(a, b);
      return ((toNumber(a) % toNumber(b)) + toNumber(b)) % toNumber(b);
    case "**":
      return toNumber(a) ** toNumber(b);
    case "==":
      return equals(a, b);
    case "!=":
      return !equals(a, b);
    case "<":
      return compare(a, b) < 0;
    case ">":
      return compare(a, b) > 0;
    case "<=":
      return compare(a, b) <= 0;
    case ">=":
      return compare(a, b) >= 0;
    case "in":
      return contains(b, a);
    case "not in":
      return !contains(b, a);
    default:
      throw new TemplateError(`there is no operator ${operator}`);
  }
}

/** `object[start:stop:step]` of a list or a text, as in Python. */
export function slice(object: Value, start: number | undefined, stop: number | undefined, step = 1): Value {
  const list = items(object);
  const chosen =
    step > 0
      ? list.slice(start, stop).filter((_, index) => index % step === 0)
      : list
          .toReversed()
          .slice(fromEnd(start, list.length), fromEnd(stop, list.length))
          .filter((_, index) => index % -step === 0);
  return typeof object === "string" ? chosen.join("") : chosen;
}

/** A slice's bound, counted from the other end. */
function fromEnd(bound: number | undefined, length: number): number | undefined {
  if (bound === undefined) return undefined;
  return bound < 0 ? -bound - 1 : Math.max(0, length - 1 - bound);
}

function contains(whole: Value, part: Value): boolean {
  if (typeof whole === "string") return whole.includes(toText(part));
  if (whole instanceof Map) return whole.has(part);
  if (whole instanceof Namespace) return whole.attributes.has(part);
  return items(whole).some((item) => equals(item, part));
}
