import { capitalize, method, pairs, percentFormat, replace, stripEnd, stripStart } from "./methods.ts";
import { runTest } from "./tests.ts";
import {
  compare,
  equals,
  fromJson,
  isTrue,
  items,
  TemplateError,
  Tuple,
  toJson,
  toNumber,
  toText,
  type Value,
} from "./values.ts";

export type Named = ReadonlyMap<string, Value>;
type Filter = (value: Value, args: readonly Value[], named: Named) => Value;

/** Applies a filter. @throws TemplateError where there is none of that name */
export function runFilter(name: string, value: Value, args: readonly Value[], named: Named): Value {
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (filter === undefined) throw new TemplateError(`there is no filter ${name}`);
  return filter(value, args, named);
}

const filters: Readonly<Record<string, Filter>> = {
  tojson: (value, [indent], named) => toJson(value, jsonLayout(indent, named)),
  from_json: (value) => fromJson(parseJson(toText(value))),
  length: count,
  count,
  trim: (value, [characters]) => stripEnd(stripStart(toText(value), characters), characters),
  string: (value) => toText(value),
  safe: (value) => value,
  e: (value) => value,
  escape: (value) => value,
  default: otherwise,
  d: otherwise,
  join: (value, args, named) => {
    const separator = toText(args[0] ?? named.get("d") ?? "");
    const attribute = args[1] ?? named.get("attribute");
    const list = items(value).map((item) => (attribute === undefined ? item : attributeOf(item, attribute)));
    return list.map(toText).join(separator);
  },
  items: (value) => (value instanceof Map ? pairs(value) : []),
  dictsort: (value, args, named) => {
    const by = args[1] ?? named.get("by");
    const at = by === "value" ? 1 : 0;
    const isReversed = isTrue(args[2] ?? named.get("reverse"));
    const key = (pair: Tuple) =>
      typeof pair[at] === "string" ? (pair[at] as string).toLowerCase() : pair[at];
    const sorted = (value instanceof Map ? pairs(value) : []).sort((a, b) => compare(key(a), key(b)));
    return isReversed ? sorted.reverse() : sorted;
  },
  upper: (value) => toText(value).toUpperCase(),
  lower: (value) => toText(value).toLowerCase(),
  capitalize: (value) => capitalize(toText(value)),
  title: (value) => toText(value).replace(/[a-zA-Z]+/g, capitalize),
  list: (value) => [...items(value)],
  replace: (value, [from, to, limit]) => replace(toText(value), toText(from), toText(to), limit),
  first: (value) => items(value)[0],
  last: (value) => items(value).at(-1),
  reverse: (value) =>
    typeof value === "string" ? [...value].reverse().join("") : [...items(value)].reverse(),
  sort: (value, args, named) => {
    const attribute = named.get("attribute");
    const key = (item: Value) => (attribute === undefined ? item : attributeOf(item, attribute));
    const sorted = [...items(value)].sort((a, b) => compare(folded(key(a)), folded(key(b))));
    return isTrue(args[0] ?? named.get("reverse")) ? sorted.reverse() : sorted;
  },
  unique: (value) =>
    items(value).filter((item, index, all) => all.findIndex((other) => equals(other, item)) === index),
  min: (value) => items(value).toSorted(compare)[0],
  max: (value) => items(value).toSorted(compare).at(-1),
  sum: (value) => items(value).reduce<number>((total, item) => total + toNumber(item), 0),
  abs: (value) => Math.abs(toNumber(value)),
  round: (value, [digits = 0]) => Number(toNumber(value).toFixed(toNumber(digits))),
  int: (value, [fallback = 0]) => asNumber(value, Math.trunc, fallback),
  float: (value, [fallback = 0]) => asNumber(value, (number) => number, fallback),
  indent: (value, args, named) => {
    const width = args[0] ?? named.get("width") ?? 4;
    const pad = typeof width === "string" ? width : " ".repeat(toNumber(width));
    const [first, blank] = [args[1] ?? named.get("first"), args[2] ?? named.get("blank")];
    const lines = toText(value).split("\n");
    const padded = (line: string) => (line !== "" || isTrue(blank) ? pad + line : line);
    return lines
      .map((line, index) => (index > 0 ? padded(line) : isTrue(first) ? pad + line : line))
      .join("\n");
  },
  format: (value, args) => percentFormat(toText(value), Tuple.from(args)),
  map: (value, args, named) => {
    const attribute = named.get("attribute");
    if (attribute !== undefined)
      return items(value).map((item) => attributeOf(item, attribute) ?? named.get("default"));
    const [name, ...rest] = args;
    return items(value).map((item) => runFilter(toText(name), item, rest, named));
  },
  select: (value, [test, ...args]) => items(value).filter((item) => passes(item, test, args)),
  reject: (value, [test, ...args]) => items(value).filter((item) => !passes(item, test, args)),
  selectattr: (value, [attribute, test, ...args]) =>
    items(value).filter((item) => passes(attributeOf(item, attribute), test, args)),
  rejectattr: (value, [attribute, test, ...args]) =>
    items(value).filter((item) => !passes(attributeOf(item, attribute), test, args)),
  attr: (value, [name]) => attributeOf(value, name),
  wordcount: (value) => toText(value).split(/\s+/).filter(Boolean).length,
};

function count(value: Value): number {
  if (value instanceof Map) return value.size;
  return items(value).length;
}

function otherwise(value: Value, args: readonly Value[], named: Named): Value {
  const fallback = args[0] ?? named.get("default_value") ?? "";
  const isFalsy = isTrue(args[1] ?? named.get("boolean")) && !isTrue(value);
  return value === undefined || isFalsy ? fallback : value;
}

/** `a.b` of a dict within a dict. */
function attributeOf(item: Value, path: Value): Value {
  return toText(path)
    .split(".")
    .reduce<Value>((value, key) => {
      if (value instanceof Map) return value.get(key);
      if (Array.isArray(value)) return value[Number(key)];
      return method(value, key);
    }, item);
}

function passes(value: Value, test: Value, args: readonly Value[]): boolean {
  return test === undefined ? isTrue(value) : runTest(toText(test), value, args);
}

function folded(value: Value): Value {
  return typeof value === "string" ? value.toLowerCase() : value;
}

function asNumber(value: Value, round: (number: number) => number, fallback: Value): Value {
  const text = typeof value === "string" ? value.trim() : value;
  const number = text === "" || text === null || text === undefined ? Number.NaN : Number(text);
  return Number.isNaN(number) ? fallback : round(number);
}

function jsonLayout(first: Value, named: Named) {
  const indent = first ?? named.get("indent");
  const separators = named.get("separators");
  return {
    ...(typeof indent === "number" && { indent }),
    ...(isTrue(named.get("sort_keys")) && { sortKeys: true }),
    ...(isTrue(named.get("ensure_ascii")) && { ensureAscii: true }),
    ...(Array.isArray(separators) && {
      separators: [toText(separators[0]), toText(separators[1])] as const,
    }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TemplateError("a text that should be JSON is not", { cause: error });
  }
}
