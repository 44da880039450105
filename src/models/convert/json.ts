import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { ModelError, messageOf } from "../errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export interface JsonLimits {
  readonly bytes: number;
  readonly depth: number;
}

/** tokenizer.json of the largest vocabularies is 35 MB; nothing real nests deeper than a dozen levels. */
const fileLimits: JsonLimits = { bytes: 64 << 20, depth: 64 };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * Parses JSON of a checkpoint, refusing what would only serve to exhaust memory: a text over `limits.bytes`, or
 * brackets nested deeper than `limits.depth`.
 * @throws ModelError `invalid_checkpoint`
 */
export function parseJson(text: string, name: string, limits: JsonLimits = fileLimits): JsonObject {
  if (text.length > limits.bytes) refuse(name, `it has ${text.length} bytes, more than ${limits.bytes}`);
  requireShallow(text, name, limits.depth);
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelError("invalid_checkpoint", `${name} is not valid JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return isObject(value) ? value : refuse(name, "a JSON object is expected");
}

/** @throws ModelError `invalid_checkpoint` where the file is missing, too big or no JSON object */
export function readJsonFile(path: string): JsonObject {
  const name = basename(path);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined)
    throw new ModelError("invalid_checkpoint", `The checkpoint has no ${name} (${path})`);
  if (size > fileLimits.bytes) refuse(name, `it has ${size} bytes, more than ${fileLimits.bytes}`);
  return parseJson(readFileSync(path, "utf8"), name);
}

/** As `readJsonFile`; undefined where the file does not exist. */
export function readOptionalJsonFile(path: string): JsonObject | undefined {
  return statSync(path, { throwIfNoEntry: false }) ? readJsonFile(path) : undefined;
}

/** One pass over the text's bytes; brackets inside strings don't count. */
function requireShallow(text: string, name: string, limit: number): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > limit) refuse(name, `its JSON nests deeper than ${limit} levels`);
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
}

function refuse(name: string, why: string): never {
  throw new ModelError("invalid_checkpoint", `${name} is refused: ${why}`);
}
