import {
  type Callable,
  compare,
  equals,
  items,
  TemplateError,
  Tuple,
  toNumber,
  toText,
  type Value,
} from "./values.ts";

/** A method of a text, a list or a dict; undefined where it has none of that name. */
export function method(object: Value, name: string): Callable | undefined {
  if (typeof object === "string") return bind(textMethods, object, name);
  if (Array.isArray(object)) return bind(listMethods, object, name);
  if (object instanceof Map) return bind(dictMethods, object as Map<Value, Value>, name);
  return undefined;
}

type Method<T> = (object: T, args: readonly Value[], named: ReadonlyMap<string, Value>) => Value;

function bind<T>(
  methods: Readonly<Record<string, Method<T>>>,
  object: T,
  name: string,
): Callable | undefined {
  const found = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return found === undefined ? undefined : (args, named) => found(object, args, named);
}

const textMethods: Readonly<Record<string, Method<string>>> = {
  strip: (text, [characters]) => stripEnd(stripStart(text, characters), characters),
  lstrip: (text, [characters]) => stripStart(text, characters),
  rstrip: (text, [characters]) => stripEnd(text, characters),
  split: (text, [separator, limit]) => split(text, separator, limit),
  rsplit: (text, [separator, limit]) => splitFromRight(text, separator, limit),
  splitlines: (text) => text.replace(/\r?\n$/, "").split(/\r?\n/),
  startswith: (text, [start]) => startings(start).some((one) => text.startsWith(one)),
  endswith: (text, [end]) => startings(end).some((one) => text.endsWith(one)),
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  capitalize: (text) => capitalize(text),
  title: (text) => text.replace(/[a-zA-Z]+/g, capitalize),
  replace: (text, [from, to, count]) => replace(text, toText(from), toText(to), count),
  format: (text, args, named) => format(text, args, named),
  join: (text, [list]) => items(list).map(toText).join(text),
  find: (text, [part]) => text.indexOf(toText(part)),
  rfind: (text, [part]) => text.lastIndexOf(toText(part)),
  count: (text, [part]) => text.split(toText(part)).length - 1,
  isdigit: (text) => /^\d+$/.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isspace: (text) => /^\s+$/.test(text),
  isupper: (text) => text === text.toUpperCase() && text !== text.toLowerCase(),
  islower: (text) => text === text.toLowerCase() && text !== text.toUpperCase(),
  removeprefix: (text, [part]) => (text.startsWith(toText(part)) ? text.slice(toText(part).length) : text),
  removesuffix: (text, [part]) =>
    toText(part) !== "" && text.endsWith(toText(part)) ? text.slice(0, -toText(part).length) : text,
  zfill: (text, [width]) => text.padStart(toNumber(width), "0"),
  ljust: (text, [width, fill = " "]) => text.padEnd(toNumber(width), toText(fill)),
  rjust: (text, [width, fill = " "]) => text.padStart(toNumber(width), toText(fill)),
};

const listMethods: Readonly<Record<string, Method<Value[]>>> = {
  append: (list, [item]) => {
    list.push(item);
    return null;
  },
  extend: (list, [more]) => {
    list.push(...items(more));
    return null;
  },
  insert: (list, [at, item]) => {
    list.splice(toNumber(at), 0, item);
    return null;
  },
  pop: (list, [at]) => (at === undefined ? list.pop() : list.splice(toNumber(at), 1)[0]),
  index: (list, [item]) => list.findIndex((other) => equals(other, item)),
  count: (list, [item]) => list.filter((other) => equals(other, item)).length,
  reverse: (list) => {
    list.reverse();
    return null;
  },
  sort: (list) => {
    list.sort(compare);
    return null;
  },
  copy: (list) => [...list],
};

const dictMethods: Readonly<Record<string, Method<Map<Value, Value>>>> = {
  get: (dict, [key, otherwise = null]) => (dict.has(key) ? dict.get(key) : otherwise),
  items: (dict) => pairs(dict),
  keys: (dict) => [...dict.keys()],
  values: (dict) => [...dict.values()],
  pop: (dict, [key, otherwise]) => {
    const value = dict.has(key) ? dict.get(key) : otherwise;
    dict.delete(key);
    return value;
  },
  update: (dict, [more], named) => {
    if (more instanceof Map) for (const [key, value] of more) dict.set(key, value);
    for (const [key, value] of named) dict.set(key, value);
    return null;
  },
  setdefault: (dict, [key, otherwise = null]) => {
    if (!dict.has(key)) dict.set(key, otherwise);
    return dict.get(key);
  },
  copy: (dict) => new Map(dict),
};

/** Keys and values of a dict, two by two. */
export function pairs(dict: ReadonlyMap<Value, Value>): Tuple[] {
  return [...dict].map(([key, value]) => Tuple.from([key, value]) as Tuple);
}

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}

export function replace(text: string, from: string, to: string, count: Value): string {
  if (count === undefined || count === null) return text.replaceAll(from, () => to);
  let left = toNumber(count);
  return text.replaceAll(from, (found) => (left-- > 0 ? to : found));
}

/** Characters of a text are taken away as a set; white space where none are given. */
export function stripStart(text: string, characters: Value): string {
  if (typeof characters !== "string") return text.trimStart();
  let at = 0;
  while (at < text.length && characters.includes(text.charAt(at))) at++;
  return text.slice(at);
}

export function stripEnd(text: string, characters: Value): string {
  if (typeof characters !== "string") return text.trimEnd();
  let at = text.length;
  while (at > 0 && characters.includes(text.charAt(at - 1))) at--;
  return text.slice(0, at);
}

function startings(value: Value): readonly string[] {
  return Array.isArray(value) ? value.map(toText) : [toText(value)];
}

function split(text: string, separator: Value, limit: Value): string[] {
  const most = limit === undefined || limit === null ? -1 : toNumber(limit);
  if (typeof separator !== "string") {
    const words = text.trim().split(/\s+/).filter(Boolean);
    return words;
  }
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function splitFromRight(text: string, separator: Value, limit: Value): string[] {
  if (typeof separator !== "string") return split(text, separator, undefined);
  const parts = text.split(separator);
  const most = limit === undefined || limit === null ? -1 : toNumber(limit);
  if (most < 0 || parts.length <= most + 1) return parts;
  const kept = parts.length - most;
  return [parts.slice(0, kept).join(separator), ...parts.slice(kept)];
}

/** `"{} {0} {name}".format(…)`, without format specifications. */
function format(text: string, args: readonly Value[], named: ReadonlyMap<string, Value>): string {
  let next = 0;
  return text.replace(/\{\{|\}\}|\{([^{}:!]*)[^{}]*\}/g, (found, field: string | undefined) => {
    if (found === "{{" || found === "}}") return found.charAt(0);
    if (field === undefined || field === "") return toText(args[next++]);
    return toText(/^\d+$/.test(field) ? args[Number(field)] : named.get(field));
  });
}

/** `"%s %d" % (…)`. */
export function percentFormat(text: string, value: Value): string {
  const values = value instanceof Tuple ? value : [value];
  let next = 0;
  return text.replace(/%(?:\.(\d+))?([sdfr%])/g, (_, digits: string | undefined, kind: string) => {
    if (kind === "%") return "%";
    if (next >= values.length) throw new TemplateError("not enough arguments for a format");
    const item = values[next++];
    if (kind === "d") return String(Math.trunc(toNumber(item)));
    if (kind === "f") return toNumber(item).toFixed(Number(digits ?? 6));
    return toText(item);
  });
}
