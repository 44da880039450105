import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = `${root}test/dialects/openai/virtual-samples.ts`;

/** A value that the server sent, and the type of the `openai` or `@anthropic-ai/sdk` package that it must have. */
export interface Sample {
  readonly type: string;
  readonly value: unknown;
}

/** Fields that this server adds, or that the API has and the package leaves out (`store`); see docs/openai.md. */
const extras = new Set(["timings", "request_id", "store"]);

/**
 * Has the TypeScript compiler assign each sample, written out as a literal, to its type: a missing field, a wrong type
 * or value, and a field that the type lacks are all errors. Returns the compiler's messages.
 */
export function typeErrors(samples: readonly Sample[]): string[] {
  const lines = samples.map(
    ({ type, value }, index) => `const sample${index}: ${type} = ${JSON.stringify(withoutExtras(value))};`,
  );
  const source = [
    'import type * as Chat from "openai/resources/chat/completions";',
    'import type { Completion } from "openai/resources/completions";',
    'import type { Model } from "openai/resources/models";',
    'import type * as Anthropic from "@anthropic-ai/sdk/resources/messages";',
    'import type * as Responses from "openai/resources/responses/responses";',
    'import type { ResponseItemList } from "openai/resources/responses/input-items";',
    'import type { InputTokenCountResponse } from "openai/resources/responses/input-tokens";',
    'import type { CreateEmbeddingResponse } from "openai/resources/embeddings";',
    'import type { ModelInfo } from "@anthropic-ai/sdk/resources/models";',
    'import type { ErrorResponse } from "@anthropic-ai/sdk/resources/shared";',
    // The package's own type knows neither chunks nor the prompt's first token, which nothing predicts.
    "type SentCompletion = Omit<Completion, 'choices'> & { choices: SentChoice[] };",
    "type SentChoice = { index: number; text: string; logprobs: Scores | null;",
    "  finish_reason: Completion['choices'][number]['finish_reason'] | null };",
    "type Scores = { tokens: string[]; token_logprobs: (number | null)[]; text_offset: number[];",
    "  top_logprobs: (Record<string, number> | null)[] };",
    ...lines,
    `export const samples = [${samples.map((_, index) => `sample${index}`).join(", ")}];`,
    "export type Used = [Chat.ChatCompletion, Completion, Model, Responses.Response, Anthropic.Message,",
    "  ResponseItemList, InputTokenCountResponse, CreateEmbeddingResponse, ModelInfo, ErrorResponse];",
  ].join("\n");
  const program = programOf(source);
  return program.getSemanticDiagnostics(program.getSourceFile(file)).map((diagnostic) => {
    const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
    return `${source.split("\n")[line]?.slice(0, 400)}\n  ${text}`;
  });
}

/** Names of the properties of a package's exported type. */
export function propertiesOf(type: string, module: string): readonly string[] {
  const program = programOf(`import type { ${type} } from "${module}";\nexport type Wanted = ${type};`);
  const checker = program.getTypeChecker();
  const [alias] = (program.getSourceFile(file)?.statements ?? []).filter(ts.isTypeAliasDeclaration);
  if (alias === undefined) throw new Error(`no type ${type}`);
  return checker.getPropertiesOfType(checker.getTypeAtLocation(alias)).map(({ name }) => name);
}

/** `source` as a file of this project, which is not on disk. */
function programOf(source: string): ts.Program {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    types: ["node"],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? source : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2024)
      : getSourceFile.call(host, name, ...rest);
  return ts.createProgram([file], options, host);
}

/** Required by OpenAI's document (2.3.0), and not yet in its package. */
const ahead: Readonly<Record<string, string>> = { "response.function_call_arguments.done": "name" };

/** At the top only, but for those of a response within an event. */
function withoutExtras(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !extras.has(key) && ahead[(value as { type?: string }).type ?? ""] !== key)
      .map(([key, item]) => [key, key === "response" ? withoutExtras(item) : item]),
  );
}
