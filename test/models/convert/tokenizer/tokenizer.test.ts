import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Tokenizer } from "@huggingface/tokenizers";
import { convertCheckpoint } from "../../../../src/models/convert/convert.ts";
import { readGguf } from "../../../../src/models/gguf/reader.ts";
import { makeCheckpoint, writeJson } from "../../../support/checkpoint.ts";
import type { Family } from "../../../support/checkpoint-configs.ts";
import { EngineModel } from "../../../support/engine-model.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { corpusLines } from "../../../support/text-corpus.ts";

const families: readonly (readonly [Family, string])[] = [
  ["gpt2", "GPT-2"],
  ["smollm", "SmolLM (single digits)"],
  ["llama", "Llama 3"],
  ["qwen2", "Qwen2"],
];

/**
 * The `Digits` step splits every numeric character in Hugging Face's original (Rust, `char::is_numeric`), and so does
 * the engine; the JavaScript port that serves as the reference here splits 0 to 9 only, so it can't judge the others.
 */
function hasForeignDigits(line: string): boolean {
  return /[^\P{N}0-9]/u.test(line);
}

for (const [family, name] of families) {
  test(`token ids equal Hugging Face's on more than 2,000 lines: ${name}`, async (context) => {
    const directory = await temporaryDirectory(context);
    const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family });
    const { path } = await convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"));
    const read = (file: string) => JSON.parse(readFileSync(join(checkpoint.directory, file), "utf8"));
    const reference = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
    const engine = new EngineModel(path);
    context.after(() => engine.free());
    const lines = corpusLines(2600, 42).filter((line) => family !== "smollm" || !hasForeignDigits(line));
    assert.ok(lines.length >= 2000);
    const different = lines.filter((line) => {
      // Qwen2 composes characters first (NFC), which the engine leaves to its caller.
      const text = family === "qwen2" ? line.normalize("NFC") : line;
      const expected = reference.encode(text, { add_special_tokens: false }).ids;
      return expected.join() !== engine.tokenize(text).join();
    });
    const shown = different.slice(0, 5).map((line) => JSON.stringify(line));
    assert.equal(different.length, 0, `${different.length} lines differ, among them ${shown.join("\n")}`);
  });
}

test("GPT-2's older vocab.json and merges.txt give the same vocabulary as its tokenizer.json", async (context) => {
  const directory = await temporaryDirectory(context);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "gpt2" }).directory;
  const convert = async (name: string) => {
    const { path } = await convertCheckpoint(checkpoint, join(directory, `${name}.gguf`), { name: "same" });
    return readGguf(path).metadata;
  };
  writeJson(join(checkpoint, "tokenizer_config.json"), { tokenizer_class: "GPT2Tokenizer" });
  const { model } = JSON.parse(readFileSync(join(checkpoint, "tokenizer.json"), "utf8"));
  const expected = await convert("new");
  rmSync(join(checkpoint, "tokenizer.json"));
  await assert.rejects(convert("none"), /neither tokenizer\.json nor tokenizer\.model/);
  writeJson(join(checkpoint, "vocab.json"), model.vocab);
  writeFileSync(join(checkpoint, "merges.txt"), `#version: 0.2\n${model.merges.join("\n")}\n`);
  writeJson(join(checkpoint, "added_tokens.json"), { "<|im_start|>": 1, "<|im_end|>": 2 });
  assert.deepEqual(await convert("old"), expected);
  writeJson(join(checkpoint, "tokenizer_config.json"), { tokenizer_class: "BloomTokenizer" });
  await assert.rejects(convert("other"), /neither tokenizer\.json nor tokenizer\.model/);
});
