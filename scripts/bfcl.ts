/**
 * `npm run check:bfcl -- DIRECTORY [count]`: calls under the grammar, over the functions and questions of the Berkeley
 * Function Calling Leaderboard, whose files `BFCL_v4_*.json` are in DIRECTORY (github.com/ShishirPatil/gorilla,
 * `berkeley-function-call-leaderboard/bfcl_eval/data`; Apache-2.0). The model is one of random weights, which writes what
 * the grammar lets it and nothing else: every call that comes to its end has to parse and keep to its schema. Whether
 * a call is the right one is a question about the model, and is not asked here.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { CHATML, makeScriptedModels } from "../test/support/scripted-server.ts";
import { json } from "../test/support/server.ts";

interface Case {
  readonly id: string;
  readonly question: ReadonlyArray<ReadonlyArray<{ readonly role: string; readonly content: string }>>;
  readonly function: ReadonlyArray<{
    readonly name: string;
    readonly description: string;
    readonly parameters: object;
  }>;
}
interface Answer {
  readonly choices: ReadonlyArray<{
    readonly finish_reason: string;
    readonly message: {
      readonly tool_calls?: ReadonlyArray<{
        readonly function: { readonly name: string; readonly arguments: string };
      }>;
    };
  }>;
}

const [directory, count = "100"] = process.argv.slice(2);
if (directory === undefined) throw new Error("which directory are the files in?");

/** Python's names of types, which the files have. */
const types: Readonly<Record<string, string>> = { dict: "object", float: "number", tuple: "array" };

function toSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSchema);
  if (value === null || typeof value !== "object") return value;
  const { type, ...rest } = value as { readonly type?: unknown };
  const fields = Object.entries(rest).map(([key, inner]) => [key, toSchema(inner)] as const);
  // `any`, which JSON Schema says by saying nothing.
  const named = typeof type === "string" && type !== "any" ? { type: types[type] ?? type } : {};
  return { ...Object.fromEntries(fields), ...(typeof type === "object" ? { type: toSchema(type) } : named) };
}

const CONTEXT = 16_384;
await using models = await makeScriptedModels({ scripted: { template: CHATML, answers: [] } }, CONTEXT);
await using server = await models.start({ CONTEXT_SIZE: String(CONTEXT) });
const ajv = new Ajv({ strict: false });
for (const file of readdirSync(directory).filter((name) => /^BFCL_v4_.*\.json$/.test(name))) {
  const lines = readFileSync(join(directory, file), "utf8").split("\n").filter(Boolean);
  const cases = lines.slice(0, Number(count)).map((line) => JSON.parse(line) as Case);
  const sums = { cases: cases.length, cut: 0, refused: 0, calls: 0, wrong: 0 };
  for (const [index, { id, question, function: functions }] of cases.entries()) {
    const tools = functions.map(({ name, description, parameters }) => ({
      type: "function",
      function: {
        name: name.replaceAll(/[^A-Za-z0-9_-]/g, "_"),
        description,
        parameters: toSchema(parameters),
      },
    }));
    const response = await server.post("/v1/chat/completions", {
      model: "scripted",
      messages: question[0],
      tools,
      tool_choice: "required",
      parallel_tool_calls: file.includes("parallel"),
      max_tokens: 3_000,
      seed: index,
    });
    if (!response.ok) {
      sums.refused++;
      console.log(`${id}: ${(await response.text()).slice(0, 300)}`);
      continue;
    }
    const [choice] = (await json<Answer>(response)).choices;
    if (choice?.finish_reason === "length") {
      sums.cut++;
      continue;
    }
    for (const { function: made } of choice?.message.tool_calls ?? []) {
      sums.calls++;
      const schema = tools.find((tool) => tool.function.name === made.name)?.function.parameters;
      if (schema !== undefined && ajv.validate(schema as object, JSON.parse(made.arguments))) continue;
      sums.wrong++;
      console.log(`${id}: ${made.name}(${made.arguments.slice(0, 300)}): ${ajv.errorsText()}`);
    }
  }
  console.log(`${file}: ${JSON.stringify(sums)}`);
  if (sums.wrong > 0) process.exitCode = 1;
}
