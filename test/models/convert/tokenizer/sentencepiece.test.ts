import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Tokenizer } from "@huggingface/tokenizers";
import { convertCheckpoint } from "../../../../src/models/convert/convert.ts";
import { ModelError } from "../../../../src/models/errors.ts";
import { makeCheckpoint, writeJson } from "../../../support/checkpoint.ts";
import { EngineModel } from "../../../support/engine-model.ts";
import { sentencePiece, type TestSentencePiece } from "../../../support/sentencepiece.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { corpusLines } from "../../../support/text-corpus.ts";

const settings = {
  bos_token: "<s>",
  eos_token: "</s>",
  unk_token: "<unk>",
  add_bos_token: true,
  add_eos_token: false,
  tokenizer_class: "LlamaTokenizer",
};

// A vocabulary with NUL in it is refused; texts with NUL fall back to its byte token.
const trainingLines = corpusLines(600, 7).map((line) => line.replaceAll("\0", ""));
const trained = sentencePiece(trainingLines, 300);

async function convertWith(context: TestContext, files: Partial<TestSentencePiece>): Promise<EngineModel> {
  const directory = await temporaryDirectory(context);
  const config = { vocab_size: trained.size, bos_token_id: 1, eos_token_id: 2 };
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama", config });
  const at = (file: string) => join(checkpoint.directory, file);
  writeJson(at("tokenizer_config.json"), settings);
  writeJson(at("tokenizer.json"), files.tokenizer ?? trained.tokenizer);
  if (files.model) writeFileSync(at("tokenizer.model"), files.model);
  const { path } = await convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"));
  const engine = new EngineModel(path);
  context.after(() => engine.free());
  return engine;
}

for (const [form, files] of [
  ["tokenizer.json's merges", {}],
  ["tokenizer.model's scores", { model: trained.model }],
] as const) {
  test(`token ids equal Hugging Face's on more than 2,000 lines: SentencePiece from ${form}`, async (context) => {
    const engine = await convertWith(context, files);
    const reference = new Tokenizer(trained.tokenizer, settings);
    const lines = corpusLines(2600, 43).filter((line) => line !== "");
    const different = lines.filter((line) => {
      const expected = reference.encode(line, { add_special_tokens: false }).ids;
      return expected.join() !== engine.tokenize(line).join();
    });
    const shown = different.slice(0, 5).map((line) => JSON.stringify(line));
    assert.equal(different.length, 0, `${different.length} lines differ, among them ${shown.join("\n")}`);
    assert.deepEqual(engine.tokenize("", { addSpecial: true }), [1]);
    assert.equal(engine.model.vocabulary.eos, 2);
  });
}

test("merges that no SentencePiece model has are refused", async (context) => {
  const model = trained.tokenizer["model"] as Record<string, unknown>;
  const merges = (model["merges"] as string[]).filter((_, index) => index % 3 !== 0);
  const tokenizer = { ...trained.tokenizer, model: { ...model, merges } };
  await assert.rejects(
    convertWith(context, { tokenizer }),
    (error) => error instanceof ModelError && /possible merges are missing/.test(error.message),
  );
});
