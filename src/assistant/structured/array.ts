import { type Grammar, repeat, sequence } from "./gbnf.ts";
import { space } from "./json-text.ts";
import type { Visit } from "./object.ts";
import {
  type JsonSchema,
  type SchemaObject,
  UnsatisfiableError,
  unsatisfiable,
  unsupported,
} from "./schema.ts";

/** Items that an array may be required to have. */
const MAX_MIN_ITEMS = 1000;

/** An array of `prefixItems`, then `items`, within `minItems` and `maxItems`. */
export function arrayRule(grammar: Grammar, schema: SchemaObject, path: string, visit: Visit): string {
  const min = (schema["minItems"] as number | undefined) ?? 0;
  const max = schema["maxItems"] as number | undefined;
  if (min > (max ?? min)) throw unsatisfiable(path, "minItems is above maxItems");
  if (min > MAX_MIN_ITEMS) throw unsupported(path, "minItems", `${MAX_MIN_ITEMS} is the largest`);
  const gap = space(grammar);
  const prefix = ((schema["prefixItems"] as readonly JsonSchema[] | undefined) ?? []).slice(0, max);
  const first = prefix.map((item, index) => grammar.rule(visit(item, `${path}.prefixItems[${index}]`)));
  const isRestWanted =
    max !== 0 && (prefix.length === 0 || schema["items"] !== undefined || min > prefix.length);
  const rest = isRestWanted ? restRule(grammar, schema, path, visit) : undefined;
  if (rest === undefined && min > first.length) throw unsatisfiable(path, "it has no room for minItems");

  const restMax = max === undefined ? undefined : max - first.length;
  let body = "";
  if (rest !== undefined && restMax !== 0) {
    const further = grammar.rule(`"," ${gap} ${rest}`);
    if (first.length > 0) body = repeat(grammar, further, Math.max(0, min - first.length), restMax);
    else {
      const tail = repeat(
        grammar,
        further,
        Math.max(0, min - 1),
        restMax === undefined ? undefined : restMax - 1,
      );
      body = optional(grammar, sequence(rest, tail), min === 0);
    }
  }
  for (const [index, item] of [...first.entries()].toReversed()) {
    body = sequence(index === 0 ? item : `"," ${gap} ${item}`, body);
    body = optional(grammar, body, index >= min);
  }
  return grammar.rule(sequence(`"[" ${gap}`, body, `${gap} "]"`));
}

function optional(grammar: Grammar, body: string, isOptional: boolean): string {
  return isOptional && body !== "" ? grammar.rule(`(${body})?`) : body;
}

/** Undefined when no item can be valid: the array then ends where its prefix does. */
function restRule(grammar: Grammar, schema: SchemaObject, path: string, visit: Visit): string | undefined {
  try {
    return grammar.rule(visit((schema["items"] as JsonSchema | undefined) ?? true, `${path}.items`));
  } catch (error) {
    if (error instanceof UnsatisfiableError) return undefined;
    throw error;
  }
}
