/**
 * `npm run check:bfcl -- DIRECTORY [count] [random|built-in]`: calls under the grammar, over the functions and questions of
 * the Berkeley Function Calling Leaderboard, whose files `BFCL_v4_*.json` are in DIRECTORY (github.com/ShishirPatil/gorilla,
 * `berkeley-function-call-leaderboard/bfcl_eval/data`; Apache-2.0). A model of random weights writes what the grammar lets
 * it and nothing else: every call that comes to its end has to parse and keep to its schema. With `built-in`, the model
 * that comes with the server is asked for the same calls without the grammar too. Whether a call is the right one is
 * a question about the model, and is not asked here.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { CHATML, makeScriptedModels } from "../test/support/scripted-server.ts";
import { json, startServer } from "../test/support/server.ts";

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
      readonly content: string | null;
      readonly tool_calls?: ReadonlyArray<{
        readonly function: { readonly name: string; readonly arguments: string };
      }>;
    };
  }>;
}

const [directory, count = "100", model = "random"] = process.argv.slice(2);
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
const isBuiltIn = model === "built-in";
await using server = isBuiltIn ? await startServer() : await models.start({ CONTEXT_SIZE: String(CONTEXT) });
const ajv = new Ajv({ strict: false });

interface Tool {
  readonly type: string;
  readonly function: { readonly name: string; readonly description: string; readonly parameters: unknown };
}
interface Call {
  readonly name: string;
  readonly arguments: unknown;
}

function isRight(tools: readonly Tool[], { name, arguments: given }: Call): boolean {
  const schema = tools.find((tool) => tool.function.name === name)?.function.parameters;
  return schema !== undefined && ajv.validate(schema as object, given);
}

/** The calls in a text without a grammar; undefined where there are none that parse. */
function callsIn(text: string): readonly Call[] | undefined {
  const found = [...text.matchAll(/<tool_call>(.*?)<\/tool_call>/gs)].map(([, call = ""]) => call);
  try {
    const calls = (found.length > 0 ? found : [text]).map((call) => JSON.parse(call) as Call | null);
    const isCall = (call: Call | null) => typeof call === "object" && typeof call?.name === "string";
    return calls.every(isCall) ? (calls as readonly Call[]) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Asks for calls in the words that models of the Hermes format are told of tools in, and holds them to nothing. */
async function askFreely(tools: readonly Tool[], question: Case["question"][number], seed: number) {
  const told =
    `You may call these functions:\n${tools.map((tool) => JSON.stringify(tool)).join("\n")}\n` +
    'Answer only with <tool_call>{"name": NAME, "arguments": ARGUMENTS}</tool_call> for each call.';
  const response = await server.post("/v1/chat/completions", {
    messages: [{ role: "system", content: told }, ...question],
    max_tokens: 300,
    seed,
  });
  if (!response.ok) return undefined;
  return callsIn((await json<Answer>(response)).choices[0]?.message.content ?? "");
}

for (const file of readdirSync(directory).filter((name) => /^BFCL_v4_.*\.json$/.test(name))) {
  const lines = readFileSync(join(directory, file), "utf8").split("\n").filter(Boolean);
  const cases = lines.slice(0, Number(count)).map((line) => JSON.parse(line) as Case);
  const sums = { cases: cases.length, cut: 0, refused: 0, calls: 0, wrong: 0, free: 0, freeRight: 0 };
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
      ...(!isBuiltIn && { model: "scripted" }),
      messages: question[0],
      tools,
      tool_choice: "required",
      parallel_tool_calls: file.includes("parallel"),
      max_tokens: isBuiltIn ? 300 : 3_000,
      seed: index,
    });
    if (!response.ok) {
      sums.refused++;
      console.log(`${id}: ${(await response.text()).slice(0, 300)}`);
      continue;
    }
    const [choice] = (await json<Answer>(response)).choices;
    if (isBuiltIn) {
      const calls = await askFreely(tools, question[0] ?? [], index);
      sums.free += calls?.length ?? 0;
      sums.freeRight += calls?.filter((call) => isRight(tools, call)).length ?? 0;
    }
    if (choice?.finish_reason === "length") {
      sums.cut++;
      continue;
    }
    for (const { function: made } of choice?.message.tool_calls ?? []) {
      sums.calls++;
      if (isRight(tools, { name: made.name, arguments: JSON.parse(made.arguments) })) continue;
      sums.wrong++;
      console.log(`${id}: ${made.name}(${made.arguments.slice(0, 300)}): ${ajv.errorsText()}`);
    }
  }
  console.log(`${file}: ${JSON.stringify(sums)}`);
  if (sums.wrong > 0) process.exitCode = 1;
}
