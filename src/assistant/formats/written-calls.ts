import type { ToolCall } from "../template/message.ts";
import { typeOf } from "./argument-types.ts";
import type { ArgumentStyle, CallFormat, LiteralStyle, TaggedStyle } from "./format.ts";

/** Calls as a model of the format writes them, for templates that leave them out of what they print. */
export function writeCalls(calls: readonly ToolCall[], { open, close, between, call }: CallFormat): string {
  const written = calls.map(({ id, name, arguments: json }) =>
    call
      .map((piece) => {
        switch (piece.type) {
          case "text":
            return piece.text;
          case "name":
            return name;
          case "id":
            return id;
          default:
            return writeArguments(json, piece.style);
        }
      })
      .join(""),
  );
  return open + written.join(between ?? "\n") + close;
}

/** What a client sends as arguments may be anything: what is not an object stays as it is. */
function writeArguments(json: string, style: ArgumentStyle): string {
  if (style.type === "json") return json;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return json;
  }
  if (typeOf(value) !== "object") return json;
  const entries = Object.entries(value as object);
  if (style.type === "tagged") return entries.map(([key, inner]) => writeTagged(key, inner, style)).join("");
  return entries.map(([key, inner]) => key + style.assign + writeLiteral(inner, style)).join(style.between);
}

function writeTagged(key: string, value: unknown, style: TaggedStyle): string {
  return style.argument
    .map((piece) => {
      switch (piece.type) {
        case "text":
          return piece.text;
        case "key":
          return key;
        case "kind":
          return style.kinds?.[typeOf(value)] ?? "";
        default:
          return typeof value === "string" ? value : writeNested(value, style);
      }
    })
    .join("");
}

function writeNested(value: unknown, style: TaggedStyle): string {
  const { itemKey } = style;
  if (itemKey === undefined || typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Array.isArray(value)
    ? value.map((item: unknown) => [itemKey, item] as const)
    : Object.entries(value);
  return entries.map(([key, inner]) => writeTagged(key, inner, style)).join("");
}

function writeLiteral(value: unknown, style: LiteralStyle): string {
  const { words, between, quotesKeys, innerAssign } = style;
  if (value === null) return words.null;
  if (typeof value === "boolean") return value ? words.true : words.false;
  if (typeof value === "string") return quoted(value, style);
  if (Array.isArray(value)) return `[${value.map((item) => writeLiteral(item, style)).join(between)}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, inner]) => (quotesKeys ? quoted(key, style) : key) + innerAssign + writeLiteral(inner, style),
  );
  return `{${entries.join(between)}}`;
}

/** A text in the notation's usual quotes. */
export function quoted(value: string, { quotes: [quote = ""], hasEscapes }: LiteralStyle): string {
  const inside = hasEscapes
    ? JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
    : value;
  return quote + inside + quote;
}
