import { Ajv, type ValidateFunction } from "ajv";
import type { FastifyRequest } from "fastify";
import { formats, type Issue } from "./validation.ts";

/** Fields and items together, up to which all mistakes of a request are looked for. */
const MAX_LISTED_SIZE = 1_000;

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strict: false, logger: false, formats });
const validators = new WeakMap<object, ValidateFunction>();

/**
 * All mistakes of a refused request. The validator in front of the routes stops at the first: a body of a million
 * mistakes would become a million errors, made on the thread that serves all clients. Small ones are read once more.
 */
export function allMistakes(
  request: FastifyRequest,
  context: string,
  found: readonly Issue[],
): readonly Issue[] {
  if (context !== "body") return found;
  const schema = request.routeOptions.schema?.body;
  if (typeof schema !== "object" || schema === null || !isSmall(request.body)) return found;
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(schema);
    validators.set(schema, validate);
  }
  validate(request.body);
  return (validate.errors as readonly Issue[] | null | undefined) ?? found;
}

function isSmall(value: unknown): boolean {
  let size = 0;
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const inside = Object.values(next);
    size += inside.length;
    if (size > MAX_LISTED_SIZE) return false;
    // `undefined` ends the loop, and JSON has none.
    waiting.push(...inside);
  }
  return true;
}
