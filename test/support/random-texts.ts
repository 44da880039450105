import assert from "node:assert/strict";
import type { SeededRandom } from "../../bench/load/random.ts";
import { schemaProgram } from "../../src/assistant/structured/schema-program.ts";
import { InvalidRequestError } from "../../src/errors.ts";
import { json } from "../../src/inference/constraints/expression.ts";
import { TokenForm } from "../../src/inference/constraints/token-form.ts";
import { TokenMatcher } from "../../src/inference/constraints/token-matcher.ts";
import { END_TOKEN, smallTable } from "./small-vocabulary.ts";

/** The form of a schema, undefined where the schema is refused. */
export function formOf(schema: unknown, isValidator: boolean): TokenForm | undefined {
  try {
    return new TokenForm({ start: json(schemaProgram(schema, { path: "schema", isValidator })) }, smallTable);
  } catch (error) {
    if (error instanceof InvalidRequestError) return undefined;
    throw error;
  }
}

/** A text of a form by chance, which hurries to its end after a while; undefined where it has come to none. */
export function write(form: TokenForm, random: SeededRandom, maxTokens = 300): string | undefined {
  const matcher = new TokenMatcher(form);
  const parts: Uint8Array[] = [];
  for (let count = 0; count < maxTokens; count++) {
    if (matcher.isFinal) return Buffer.concat(parts).toString("utf8");
    const mask = matcher.mask();
    const allowed: number[] = [];
    for (let token = 0; token < smallTable.size; token++)
      if (((mask[token >> 5] ?? 0) & (1 << (token & 31))) !== 0 && matcher.allows(token)) allowed.push(token);
    const closing = [END_TOKEN, 0x22, 0x7d, 0x5d].find((token) => allowed.includes(token));
    const token = count > 40 && closing !== undefined ? closing : allowed[random.integer(allowed.length)];
    assert.ok(token !== undefined, `nothing may follow ${Buffer.concat(parts).toString("utf8")}`);
    if (token === END_TOKEN) return Buffer.concat(parts).toString("utf8");
    matcher.accept(token);
    parts.push(smallTable.vocabulary.piece(token));
  }
  return undefined;
}
