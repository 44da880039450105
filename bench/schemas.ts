/**
 * How much of JSON Schema is held: `npm run bench:schemas -- cases.jsonl`. A line of the file is a case of
 * JSONSchemaBench: `{"name", "schema", "tests": [{"valid", "data"}]}`. Each schema is judged twice: as a validator,
 * which takes properties in any order, and as answers are written. The vocabulary is one token per byte.
 */
import { readFileSync } from "node:fs";
import { schemaProgram } from "../src/assistant/structured/schema-program.ts";
import { InvalidRequestError } from "../src/errors.ts";
import { json } from "../src/inference/constraints/expression.ts";
import { TokenForm } from "../src/inference/constraints/token-form.ts";
import { TokenMatcher } from "../src/inference/constraints/token-matcher.ts";
import { TokenTable } from "../src/inference/constraints/token-table.ts";
import { percentile } from "./report/statistics.ts";

interface Case {
  readonly name: string;
  readonly schema: unknown;
  readonly tests: ReadonlyArray<{ readonly valid: boolean; readonly data: unknown }>;
}

const END = 256;
const bytes = new TokenTable({
  size: END + 1,
  piece: (token) => (token === END ? new Uint8Array() : Uint8Array.of(token)),
  isControl: () => false,
  isEndOfGeneration: (token) => token === END,
  specialText: () => "",
});

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error("Usage: npm run bench:schemas -- cases.jsonl");
  process.exit(2);
}
const cases = readFileSync(path, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Case);
// First what the server does, before the just-in-time compiler is warm.
for (const isValidator of [false, true]) judge(isValidator);

function judge(isValidator: boolean): void {
  let taken = 0;
  let right = 0;
  const wronglyAccepted: string[] = [];
  const compileMs: number[] = [];
  for (const { name, schema, tests } of cases) {
    const startedAt = performance.now();
    const form = formOf(schema, isValidator);
    compileMs.push(performance.now() - startedAt);
    if (form === undefined) continue;
    taken++;
    const verdicts = tests.map(({ valid, data }) => ({ valid, isAccepted: accepts(form, data) }));
    if (verdicts.every(({ valid, isAccepted }) => valid === isAccepted)) right++;
    if (verdicts.some(({ valid, isAccepted }) => isAccepted && !valid)) wronglyAccepted.push(name);
  }
  const share = (count: number) => `${count} (${((100 * count) / cases.length).toFixed(1)} %)`;
  const ms = (rank: number) => percentile(compileMs, rank).toFixed(1);
  console.log(
    `${isValidator ? "as a validator" : "as written"}: of ${cases.length} schemas ${share(taken)} taken, ${share(right)} right about all their values, ${wronglyAccepted.length} that accept an invalid value; compiled in p50 ${ms(50)}, p99 ${ms(99)}, at most ${ms(100)} ms`,
  );
  for (const name of wronglyAccepted) console.log(`  ${name} accepts an invalid value`);
}

/** Undefined where the schema is refused by name. */
function formOf(schema: unknown, isValidator: boolean): TokenForm | undefined {
  try {
    return new TokenForm({ start: json(schemaProgram(schema, { path: "schema", isValidator })) }, bytes);
  } catch (error) {
    if (error instanceof InvalidRequestError) return undefined;
    throw error;
  }
}

function accepts(form: TokenForm, value: unknown): boolean {
  const matcher = new TokenMatcher(form);
  return matcher.acceptBytes(Buffer.from(JSON.stringify(value))) && matcher.isComplete;
}
