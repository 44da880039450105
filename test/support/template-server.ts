import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { llamaCppTemplates } from "./llama-cpp-templates.ts";
import type { ScriptedAnswer } from "./scripted-tokens.ts";
import { startServer, type TestServer } from "./server.ts";
import { makeTemplateModels } from "./template-models.ts";

/** A server of one model for each published template, which are told what to say. */
export interface TemplateServer extends AsyncDisposable {
  readonly server: TestServer;
}

/** Model's name of a template's file. */
export function modelOf(file: string): string {
  return file.replace(".jinja", "");
}

/** `answers` of each template, by its file's name. Resolves to the reason where the templates can't be had. */
export async function startTemplateServer(
  answers: Readonly<Record<string, readonly ScriptedAnswer[]>>,
): Promise<TemplateServer | string> {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return templates;
  const directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  const models = Object.entries(answers).map(([file, own]) => {
    const texts = own.flatMap(({ thoughts = "", rest, when }) => [thoughts, rest, ...when]);
    return [modelOf(file), { template: templates.get(file) ?? "", texts }] as const;
  });
  const paths = await makeTemplateModels(directory, Object.fromEntries(models));
  const script = join(directory, "answers.json");
  const byModel = Object.entries(answers).map(([file, own]) => [modelOf(file), own]);
  await writeFile(script, JSON.stringify(Object.fromEntries(byModel)));
  const modelsFile = join(directory, "models.json");
  const sources = Object.fromEntries([...paths].map(([model, source]) => [model, { source }]));
  await writeFile(modelsFile, JSON.stringify({ models: sources }));
  try {
    const server = await startServer({
      env: {
        MODELS_FILE: modelsFile,
        SCRIPTED_ANSWERS: script,
        NODE_OPTIONS: `--import=${new URL("scripted-tokens.ts", import.meta.url).href}`,
        CONTEXT_SIZE: "4096",
        MAX_SEQUENCES: "2",
        KV_CACHE_MEMORY: "64MiB",
      },
    });
    const dispose = async () => {
      await server[Symbol.asyncDispose]();
      await remove();
    };
    return { server, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await remove();
    throw error;
  }
}
