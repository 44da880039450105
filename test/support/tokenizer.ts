import { loadLlama } from "../../src/inference/llama/bindings.ts";
import { LlamaModel } from "../../src/inference/llama/model.ts";
import { TEST_MODEL } from "./model.ts";

let model: LlamaModel | undefined;

/** The test model, loaded in this process: what it says about tokens is what the server must count. */
export function testModel(): LlamaModel {
  model ??= LlamaModel.load(loadLlama(), { path: TEST_MODEL });
  return model;
}

/** Tokens of a prompt that the server is given with `raw`. */
export function countPromptTokens(text: string): number {
  const { vocabulary } = testModel();
  const tokens = vocabulary.tokenize(text, { addSpecial: false, parseSpecial: false });
  return tokens.length + (vocabulary.addsBos && vocabulary.bos !== undefined ? 1 : 0);
}
