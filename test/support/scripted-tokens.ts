/**
 * A fake, loaded into the processes of a server under test (`NODE_OPTIONS=--import=…`): engines draw the tokens of
 * texts written by hand, by model in the file at `SCRIPTED_ANSWERS`, and not what random weights would. Everything else
 * is real: prompts are computed, constraints are held (they refuse a scripted token as any other), budgets end thoughts.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";

export interface ScriptedAnswer {
  /** Texts that the prompt holds, all of them. The last entry that matches is taken. */
  readonly when: readonly string[];
  /** With what opens and closes them. What the prompt has opened already is not written again. */
  readonly thoughts?: string;
  readonly opening?: string;
  /** After the thoughts, where they are not cut short. */
  readonly rest: string;
}

const path = process.env["SCRIPTED_ANSWERS"];
if (path !== undefined && process.argv[1]?.endsWith("generation/process.ts") === true) await script(path);

async function script(file: string): Promise<void> {
  const byModel = JSON.parse(readFileSync(file, "utf8")) as Record<string, readonly ScriptedAnswer[]>;
  const { LlamaModel } = await import("../../src/inference/llama/model.ts");
  const { Scheduler } = await import("../../src/inference/scheduler/scheduler.ts");
  const { load } = LlamaModel;
  let model: ReturnType<typeof load> | undefined;
  let answers: readonly ScriptedAnswer[] = [];
  LlamaModel.load = (...args) => {
    model = load.apply(LlamaModel, args);
    answers = byModel[basename(model.path, ".gguf")] ?? [];
    return model;
  };
  const { add } = Scheduler.prototype;
  Scheduler.prototype.add = function (request) {
    if (model === undefined) throw new Error("no model is loaded");
    const { vocabulary } = model;
    const pieces = [...request.prompt].map((token) => Buffer.from(vocabulary.specialText(token)));
    const prompt = Buffer.concat(pieces).toString();
    const answer = answers.findLast(({ when }) => when.every((text) => prompt.includes(text)));
    if (answer === undefined) return add.call(this, request);
    const { thoughts = "", opening = "", rest } = answer;
    const isOpen = opening !== "" && prompt.trimEnd().endsWith(opening.trim());
    const written = isOpen ? thoughts.replace(opening, "") : thoughts;
    const tokensOf = (text: string) => [
      ...vocabulary.tokenize(text, { addSpecial: false, parseSpecial: true }),
    ];
    add.call(this, {
      ...request,
      createSampler: () => {
        const sampler = request.createSampler();
        let left = [...tokensOf(written), ...tokensOf(rest)];
        const accept = sampler.accept.bind(sampler);
        return {
          sample: () => {
            const token = left.shift() ?? vocabulary.eos ?? 0;
            accept(token);
            return token;
          },
          // Only what ends thoughts is not drawn.
          accept: (token) => {
            left = tokensOf(rest);
            accept(token);
          },
          forcedTokens: () => [],
          get isFinal() {
            return sampler.isFinal;
          },
          free: () => sampler.free(),
        };
      },
    });
  };
}
