import { typeOf, type ValueTypes } from "./argument-types.ts";
import type { ArgumentPiece, TaggedStyle } from "./format.ts";
import { literalToJson } from "./literals.ts";
import { python } from "./notations.ts";

/** Deeper values are not read: what a model writes is untrusted. */
const MAX_DEPTH = 64;

/** The JSON text of a value between markers, by the types that its schema allows. */
export function taggedValue(raw: string, style: TaggedStyle, allowed: ValueTypes, depth = 0): string {
  const { types } = allowed;
  const nested =
    style.itemKey === undefined || depth > MAX_DEPTH ? undefined : nestedValue(raw, style, allowed, depth);
  if (nested !== undefined) return nested;
  const json = asJson(raw.trim());
  if (json !== undefined) {
    const type = typeOf(JSON.parse(json));
    // A text in quotes is a text with quotes, unless nothing but JSON is meant.
    if (type !== "string" && types.has(type)) return json;
    if (type === "string" && style.kinds !== undefined) return json;
  }
  return types.has("string") || json === undefined ? JSON.stringify(raw) : json;
}

function asJson(text: string): string | undefined {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return literalToJson(text, python);
  }
}

/** An object or a list that is written as arguments within an argument; undefined where it is none. */
function nestedValue(
  raw: string,
  style: TaggedStyle,
  allowed: ValueTypes,
  depth: number,
): string | undefined {
  const text = raw.trim();
  const { types } = allowed;
  if (text === "" && !types.has("string"))
    return types.has("array") ? "[]" : types.has("object") ? "{}" : undefined;
  const [open = "", middle = ""] = style.argument.flatMap((piece) =>
    piece.type === "text" ? [piece.text] : [],
  );
  const entries: Array<readonly [string, string]> = [];
  for (let at = 0; at < text.length; ) {
    if (!text.startsWith(open, at)) return undefined;
    const keyEnd = text.indexOf(middle, at + open.length);
    const key = text.slice(at + open.length, keyEnd);
    const from = keyEnd + middle.length;
    const to = keyEnd < 0 ? -1 : closingAt(text.slice(from), style, key);
    if (to < 0) return undefined;
    entries.push([key, text.slice(from, from + to)]);
    at = from + to + closing(style.argument, key).length;
    while (text.charAt(at).trim() === "" && at < text.length) at++;
  }
  if (entries.length === 0) return undefined;
  const isList = types.has("array") && entries.every(([key]) => key === style.itemKey);
  const values = entries.map(([key, value]) => {
    const inner = isList ? allowed.item() : allowed.property(key);
    return taggedValue(value, style, inner, depth + 1);
  });
  if (isList) return `[${values.join(", ")}]`;
  return `{${entries.map(([key], index) => `${JSON.stringify(key)}: ${values[index]}`).join(", ")}}`;
}

/** What closes an argument of a key. */
export function closing(argument: readonly ArgumentPiece[], key: string): string {
  return argument
    .slice(argument.findIndex(({ type }) => type === "value") + 1)
    .map((piece) => (piece.type === "text" ? piece.text : key))
    .join("");
}

/** Where an argument is closed; -1 where it is not yet. Arguments of the same key may occur within it. */
export function closingAt(text: string, { argument, itemKey }: TaggedStyle, key: string): number {
  const close = closing(argument, key).trim();
  if (itemKey === undefined) return text.indexOf(close);
  const open = argument
    .slice(
      0,
      argument.findIndex(({ type }) => type === "value"),
    )
    .map((piece) => (piece.type === "text" ? piece.text : key))
    .join("");
  let from = 0;
  for (let at = text.indexOf(close); at >= 0; at = text.indexOf(close, at + close.length)) {
    const inner = text.indexOf(open, from);
    if (inner < 0 || inner > at) return at;
    from = inner + open.length;
  }
  return -1;
}
