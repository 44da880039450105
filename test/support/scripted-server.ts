import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptedAnswer } from "./scripted-tokens.ts";
import { startServer, type TestServer } from "./server.ts";
import { makeTemplateModels } from "./template-models.ts";

/** ChatML, which knows no tools: calls are then in the words of the Hermes format. */
export const CHATML =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** A call as models write it that CHATML is the template of. */
export function chatmlCall(name: string, given: object): string {
  return `<tool_call>\n{"name": "${name}", "arguments": ${JSON.stringify(given)}}\n</tool_call>`;
}

export interface ScriptedModel {
  readonly template: string;
  readonly answers: readonly ScriptedAnswer[];
}

/** Models of random weights that are told what to say (`scripted-tokens.ts`), and servers of them. */
export interface ScriptedModels extends AsyncDisposable {
  start(env?: Readonly<Record<string, string>>): Promise<TestServer>;
}

export async function makeScriptedModels(
  models: Readonly<Record<string, ScriptedModel>>,
  contextLength?: number,
): Promise<ScriptedModels> {
  const directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  const described = Object.entries(models).map(([name, { template, answers }]) => {
    const texts = answers.flatMap(({ thoughts = "", rest, when }) => [thoughts, rest, ...when]);
    return [name, { template, texts }] as const;
  });
  const paths = await makeTemplateModels(directory, Object.fromEntries(described), contextLength);
  const script = join(directory, "answers.json");
  const byModel = Object.entries(models).map(([name, { answers }]) => [name, answers]);
  await writeFile(script, JSON.stringify(Object.fromEntries(byModel)));
  const modelsFile = join(directory, "models.json");
  const sources = Object.fromEntries([...paths].map(([model, source]) => [model, { source }]));
  await writeFile(modelsFile, JSON.stringify({ models: sources }));
  return {
    start: (env = {}) =>
      startServer({
        env: {
          MODELS_FILE: modelsFile,
          SCRIPTED_ANSWERS: script,
          NODE_OPTIONS: `--import=${new URL("scripted-tokens.ts", import.meta.url).href}`,
          CONTEXT_SIZE: "4096",
          MAX_SEQUENCES: "2",
          KV_CACHE_MEMORY: "64MiB",
          ...env,
        },
      }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
