import { compare, equals, items, TemplateError, toNumber, type Value } from "./values.ts";

/** What follows `is`. @throws TemplateError where there is none of that name */
export function runTest(name: string, value: Value, args: readonly Value[] = []): boolean {
  const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
  if (test === undefined) throw new TemplateError(`there is no test ${name}`);
  return test(value, args[0]);
}

type Test = (value: Value, other: Value) => boolean;

const isEqual: Test = (value, other) => equals(value, other);
const isIterable: Test = (value) =>
  typeof value === "string" || Array.isArray(value) || value instanceof Map || value === undefined;

const tests: Readonly<Record<string, Test>> = {
  defined: (value) => value !== undefined,
  undefined: (value) => value === undefined,
  none: (value) => value === null,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  float: (value) => typeof value === "number" && !Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  true: (value) => value === true,
  false: (value) => value === false,
  mapping: (value) => value instanceof Map,
  sequence: isIterable,
  iterable: isIterable,
  callable: (value) => typeof value === "function",
  odd: (value) => toNumber(value) % 2 === 1,
  even: (value) => toNumber(value) % 2 === 0,
  divisibleby: (value, by) => toNumber(value) % toNumber(by) === 0,
  lower: (value) => typeof value === "string" && value === value.toLowerCase(),
  upper: (value) => typeof value === "string" && value === value.toUpperCase(),
  in: (value, list) => items(list).some((item) => equals(item, value)),
  sameas: (value, other) => value === other,
  equalto: isEqual,
  eq: isEqual,
  "==": isEqual,
  ne: (value, other) => !equals(value, other),
  "!=": (value, other) => !equals(value, other),
  lt: (value, other) => compare(value, other) < 0,
  "<": (value, other) => compare(value, other) < 0,
  le: (value, other) => compare(value, other) <= 0,
  gt: (value, other) => compare(value, other) > 0,
  ">": (value, other) => compare(value, other) > 0,
  ge: (value, other) => compare(value, other) >= 0,
};
