import { llamaCppTemplates } from "./llama-cpp-templates.ts";
import { makeScriptedModels } from "./scripted-server.ts";
import type { ScriptedAnswer } from "./scripted-tokens.ts";
import type { TestServer } from "./server.ts";

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
  const scripted = await makeScriptedModels(
    Object.fromEntries(
      Object.entries(answers).map(([file, own]) => [
        modelOf(file),
        { template: templates.get(file) ?? "", answers: own },
      ]),
    ),
  );
  try {
    const server = await scripted.start();
    const dispose = async () => {
      await server[Symbol.asyncDispose]();
      await scripted[Symbol.asyncDispose]();
    };
    return { server, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await scripted[Symbol.asyncDispose]();
    throw error;
  }
}
