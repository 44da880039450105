/*
 * Values of templates, as Python has them: text, numbers and booleans are JavaScript's; None is null, what is not
 * defined is undefined, lists are arrays and dicts are Maps.
 */
export type Value = unknown;

/** What a template calls: positional arguments, then those by name. */
export type Callable = (args: readonly Value[], named: ReadonlyMap<string, Value>) => Value;

/** A list that can't grow, and that Python writes in parentheses. */
export class Tuple extends Array<Value> {}

/** What `namespace()` makes: the one thing whose attributes can be set. */
export class Namespace {
  readonly attributes: Map<Value, Value>;

  constructor(attributes: Iterable<readonly [Value, Value]>) {
    this.attributes = new Map(attributes);
  }
}

/** A template's own words against its input. */
export class TemplateError extends Error {}

/** The template takes more steps, or writes more text, than any conversation needs. */
export class BoundsError extends TemplateError {}

/** JSON in the template's terms. */
export function fromJson(value: Value): Value {
  if (Array.isArray(value)) return value.map(fromJson);
  if (value === null || typeof value !== "object") return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
}

export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return Boolean(value);
}

/** The items of whatever can be gone through; nothing where it is not defined. */
export function items(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys()];
  if (typeof value === "string") return [...value];
  if (value === undefined || value === null) return [];
  throw new TemplateError(`${typeName(value)} is not iterable`);
}

export function equals(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a === "boolean" && typeof b === "number") return Number(a) === b;
  if (typeof a === "number" && typeof b === "boolean") return a === Number(b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => equals(item, b[index]));
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && equals(item, b.get(key)));
  return false;
}

/** Negative, zero or positive, by numbers or by code points. */
export function compare(a: Value, b: Value): number {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (const [index, item] of a.entries()) {
      if (index >= b.length) return 1;
      const order = compare(item, b[index]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return toNumber(a) - toNumber(b);
}

export function toNumber(value: Value): number {
  if (typeof value === "number" || typeof value === "boolean") return Number(value);
  throw new TemplateError(`${typeName(value)} is not a number`);
}

export function typeName(value: Value): string {
  if (value === undefined) return "undefined";
  if (value === null) return "None";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Map) return "a dict";
  return typeof value;
}

/** What printing a value writes. */
export function toText(value: Value): string {
  if (typeof value === "string") return value;
  if (value === undefined) return "";
  return repr(value);
}

function repr(value: Value): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (value instanceof Tuple) return `(${value.map(repr).join(", ")}${value.length === 1 ? "," : ""})`;
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (value instanceof Map)
    return `{${[...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(", ")}}`;
  return String(value);
}

/** As Python writes a string: single quotes, unless it holds some and no double ones. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

export interface JsonLayout {
  readonly indent?: number;
  readonly sortKeys?: boolean;
  readonly ensureAscii?: boolean;
  readonly separators?: readonly [string, string];
}

/** JSON as Python's `json.dumps` writes it. */
export function toJson(value: Value, layout: JsonLayout = {}, depth = 0): string {
  const { indent } = layout;
  const [comma, colon] = layout.separators ?? [indent === undefined ? ", " : ",", ": "];
  const wrap = (open: string, parts: readonly string[], close: string) => {
    if (parts.length === 0) return open + close;
    if (indent === undefined) return open + parts.join(comma) + close;
    const line = `\n${" ".repeat(indent * (depth + 1))}`;
    return `${open}${line}${parts.join(comma + line)}\n${" ".repeat(indent * depth)}${close}`;
  };
  if (Array.isArray(value))
    return wrap(
      "[",
      value.map((item) => toJson(item, layout, depth + 1)),
      "]",
    );
  if (value instanceof Map || value instanceof Namespace) {
    const entries = [...(value instanceof Map ? value : value.attributes)];
    if (layout.sortKeys === true) entries.sort(([a], [b]) => compare(toText(a), toText(b)));
    const parts = entries.map(
      ([key, item]) => jsonText(toText(key), layout) + colon + toJson(item, layout, depth + 1),
    );
    return wrap("{", parts, "}");
  }
  if (value === undefined || value === null) return "null";
  if (typeof value === "string") return jsonText(value, layout);
  return typeof value === "function" ? "null" : String(value);
}

function jsonText(text: string, { ensureAscii = false }: JsonLayout): string {
  const written = JSON.stringify(text);
  if (!ensureAscii) return written;
  return written.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
