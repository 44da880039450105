import { InvalidRequestError } from "../../errors.ts";
import type { LedgerRow } from "./row.ts";

type Operator = ":" | ">" | "<" | ">=" | "<=";

/** One term of a query: what a field of the row must be. */
export interface Condition {
  readonly field: FieldName;
  readonly operator: Operator;
  readonly value: string | number;
  /** Upper end of a range of statuses (`5xx`), exclusive. */
  readonly below?: number;
}

interface Field {
  readonly kind:
    | "word"
    | "part of"
    | "start of"
    | "count"
    | "duration"
    | "percent"
    | "status"
    | "flag"
    | "time";
  /** The same as `read`, over the table's columns. */
  readonly sql: string;
  readonly read: (row: LedgerRow) => string | number | null;
}

const fields = {
  limiter: { kind: "word", sql: "limiter", read: (row) => row.limiter },
  latency: { kind: "duration", sql: "latency_ms", read: (row) => row.latencyMs },
  ttft: { kind: "duration", sql: "time_to_first_token_ms", read: (row) => row.timeToFirstTokenMs },
  queue: { kind: "duration", sql: "queue_ms", read: (row) => row.queueMs },
  prefill: { kind: "duration", sql: "prefill_ms", read: (row) => row.prefillMs },
  decode: { kind: "duration", sql: "decode_ms", read: (row) => row.decodeMs },
  cached: {
    kind: "percent",
    sql: "(100.0::float8 * cached_prompt_tokens / nullif(prompt_tokens, 0))",
    read: (row) => (row.promptTokens === 0 ? null : (100 * row.cachedPromptTokens) / row.promptTokens),
  },
  prompt: { kind: "count", sql: "prompt_tokens", read: (row) => row.promptTokens },
  completion: { kind: "count", sql: "completion_tokens", read: (row) => row.completionTokens },
  status: { kind: "status", sql: "status", read: (row) => row.status },
  error: { kind: "word", sql: "error", read: (row) => row.error },
  reason: { kind: "word", sql: "reason", read: (row) => row.reason },
  finish: { kind: "word", sql: "finish_reason", read: (row) => row.finishReason },
  key: { kind: "start of", sql: "key", read: (row) => row.key },
  model: { kind: "part of", sql: "model", read: (row) => row.model },
  route: { kind: "part of", sql: "route", read: (row) => row.route },
  id: { kind: "word", sql: "request_id", read: (row) => row.requestId },
  stream: { kind: "flag", sql: "(stream::int)", read: (row) => Number(row.stream) },
  since: { kind: "time", sql: "at", read: (row) => row.at },
  until: { kind: "time", sql: "at", read: (row) => row.at },
} as const satisfies Record<string, Field>;

type FieldName = keyof typeof fields;

/** The fields that a query may name. */
export const queryFields = Object.keys(fields) as FieldName[];

const term = /^([a-z]+)(>=|<=|:|>|<)(\S+)$/;

/**
 * Reads a query: terms apart by spaces, all of which must hold: `limiter:queue latency>2s cached<20% status:5xx since:1h`.
 * `now` is in milliseconds since 1970.
 * @throws InvalidRequestError that names the term and its place
 */
export function parseQuery(text: string, now: number): readonly Condition[] {
  return [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => {
    const fail = (message: string) => {
      throw new InvalidRequestError(`q, at character ${index + 1}: ${message}`, {
        param: "q",
        details: { position: index, term: word },
      });
    };
    const [, name, operator, value] = term.exec(word) ?? [];
    if (name === undefined || operator === undefined || value === undefined)
      return fail(`${JSON.stringify(word)} is not a term such as latency>2s or status:5xx.`);
    if (!isField(name))
      return fail(`${JSON.stringify(name)} is not a field; those are ${queryFields.join(", ")}.`);
    const condition = toCondition(name, operator as Operator, value, now);
    return typeof condition === "string" ? fail(condition) : condition;
  });
}

export function matches(row: LedgerRow, conditions: readonly Condition[]): boolean {
  return conditions.every(({ field, operator, value, below }) => {
    const { kind, read }: Field = fields[field];
    const actual = read(row);
    if (actual === null) return false;
    if (below !== undefined) return actual >= value && Number(actual) < below;
    switch (operator) {
      case ">":
        return actual > value;
      case "<":
        return actual < value;
      case ">=":
        return actual >= value;
      case "<=":
        return actual <= value;
      case ":":
        if (kind === "part of") return String(actual).includes(String(value));
        if (kind === "start of") return String(actual).startsWith(String(value));
        return actual === value;
      default:
        return operator satisfies never;
    }
  });
}

/** The conditions as SQL; `parameters` are those before, and those of the conditions are added to them. */
export function toSql(conditions: readonly Condition[], parameters: unknown[]): string {
  const parameter = (value: unknown, type: string) => `$${parameters.push(value)}::${type}`;
  const terms = conditions.map(({ field, operator, value, below }) => {
    const { kind, sql }: Field = fields[field];
    // As a date: days without such rows need not be searched.
    if (kind === "time")
      return `${sql} ${operator} ${parameter(new Date(Number(value)).toISOString(), "timestamptz")}`;
    if (typeof value === "number") {
      const comparison = below !== undefined ? ">=" : operator === ":" ? "=" : operator;
      const from = `${sql} ${comparison} ${parameter(value, typeOf(value))}`;
      return below === undefined ? from : `${from} AND ${sql} < ${parameter(below, typeOf(below))}`;
    }
    if (kind === "part of") return `strpos(${sql}, ${parameter(value, "text")}) > 0`;
    if (kind === "start of") return `starts_with(${sql}, ${parameter(value, "text")})`;
    return `${sql} = ${parameter(value, "text")}`;
  });
  return terms.length === 0 ? "true" : terms.map((one) => `(${one})`).join(" AND ");
}

/** Indexes of whole numbers are of no use to a comparison with another kind of number. */
function typeOf(value: number): "int4" | "float8" {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? "int4" : "float8";
}

function isField(name: string): name is FieldName {
  return Object.hasOwn(fields, name);
}

/** A condition, or what is wrong with it. */
function toCondition(field: FieldName, operator: Operator, value: string, now: number): Condition | string {
  const { kind }: Field = fields[field];
  const isText = kind === "word" || kind === "part of" || kind === "start of";
  if ((isText || kind === "flag" || kind === "time") && operator !== ":")
    return `${field} takes a colon, as in ${field}:${kind === "time" ? "1h" : value}.`;
  if (isText) return { field, operator, value };
  if (kind === "flag") {
    if (value !== "true" && value !== "false") return `${field} is true or false.`;
    return { field, operator, value: Number(value === "true") };
  }
  if (kind === "time") {
    const at = timeOf(value, now);
    if (at === undefined) return `${field} takes a time ago (90s, 5m, 1h, 7d) or a date (2026-01-31T12:00Z).`;
    return { field, operator: field === "since" ? ">=" : "<=", value: at };
  }
  if (kind === "status" && /^[1-5]xx$/.test(value)) {
    if (operator !== ":") return `${value} takes a colon, as in status:${value}.`;
    const from = Number(value[0]) * 100;
    return { field, operator, value: from, below: from + 100 };
  }
  const number = kind === "duration" ? durationMs(value) : plainNumber(value, kind === "percent" ? "%" : "");
  if (number !== undefined) return { field, operator, value: number };
  const forms = { duration: "a time such as 500ms, 2s or 1m", percent: "a percentage such as 20%" };
  return `${field} takes ${kind === "duration" || kind === "percent" ? forms[kind] : "a number"}.`;
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function durationMs(text: string): number | undefined {
  const [, number, unit = "ms"] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * unitMs[unit as keyof typeof unitMs];
}

function plainNumber(text: string, unit: string): number | undefined {
  const number = unit !== "" && text.endsWith(unit) ? text.slice(0, -unit.length) : text;
  return /^\d{1,9}(\.\d{1,3})?$/.test(number) ? Number(number) : undefined;
}

function timeOf(text: string, now: number): number | undefined {
  const ago = durationMs(text);
  if (ago !== undefined) return now - ago;
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
