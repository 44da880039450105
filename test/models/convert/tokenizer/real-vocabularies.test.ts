import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Tokenizer } from "@huggingface/tokenizers";
import { convertCheckpoint } from "../../../../src/models/convert/convert.ts";
import { readGguf } from "../../../../src/models/gguf/reader.ts";
import { type PreTokenizerName, preTokenizers } from "../../../support/bpe-trainer.ts";
import { makeCheckpoint, writeJson } from "../../../support/checkpoint.ts";
import { EngineModel } from "../../../support/engine-model.ts";
import { modelProto } from "../../../support/sentencepiece.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { corpusLines } from "../../../support/text-corpus.ts";

/**
 * The vocabularies of real models, and texts with the ids that each model's own tokenizer gives them: they come with
 * llama.cpp's sources (models/ggml-vocab-*.gguf, .inp, .out), which are not part of this repository. Here they are
 * turned back into the files a checkpoint has, converted, and asked of the engine.
 */
const source = process.env["LLAMA_CPP_SOURCE"] ?? "";

interface RealVocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly scores: readonly number[];
  readonly merges: readonly string[];
}

function readVocabulary(name: string): RealVocabulary {
  const { metadata } = readGguf(join(source, "models", `ggml-vocab-${name}.gguf`));
  const list = <T>(key: string) => (metadata.get(`tokenizer.ggml.${key}`)?.value ?? []) as readonly T[];
  return {
    tokens: list("tokens"),
    types: list("token_type"),
    scores: list("scores"),
    merges: list("merges"),
  };
}

/** Texts and ids, as tests/test-tokenizer-0.cpp reads them. */
function pairs(name: string): readonly (readonly [string, readonly number[]])[] {
  const path = join(source, "models", `ggml-vocab-${name}.gguf`);
  const texts = readFileSync(`${path}.inp`, "utf8").split("\n__ggml_vocab_test__\n");
  const ids = readFileSync(`${path}.out`, "utf8").split("\n");
  return texts.map((text, index) => [
    text,
    (ids[index] ?? "")
      .split(" ")
      .filter((id) => id !== "")
      .map(Number),
  ]);
}

function tokenizerJson(vocabulary: RealVocabulary, preTokenizer: PreTokenizerName): Record<string, unknown> {
  const { tokens, types, merges } = vocabulary;
  const rows = tokens.map((text, id) => ({ text, id, type: types[id] ?? 1 }));
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    added_tokens: rows
      .filter(({ type }) => type === 3 || type === 4)
      .map(({ text, id, type }) => ({ id, content: text, ...flags, special: type === 3 })),
    normalizer: preTokenizer === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: preTokenizers[preTokenizer],
    post_processor: preTokenizers["gpt-2"],
    decoder: preTokenizers["gpt-2"],
    model: {
      type: "BPE",
      ignore_merges: preTokenizer === "llama-3",
      vocab: Object.fromEntries(rows.filter(({ type }) => type === 1).map(({ text, id }) => [text, id])),
      merges,
    },
  };
}

async function convertVocabulary(
  context: TestContext,
  size: number,
  files: { readonly tokenizer?: Record<string, unknown>; readonly model?: Buffer; readonly eos: string },
): Promise<EngineModel> {
  const directory = await temporaryDirectory(context);
  const config = {
    vocab_size: size,
    hidden_size: 32,
    num_attention_heads: 2,
    num_hidden_layers: 1,
    tie_word_embeddings: true,
  };
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama", config }).directory;
  rmSync(join(checkpoint, "tokenizer.json"));
  if (files.tokenizer) writeJson(join(checkpoint, "tokenizer.json"), files.tokenizer);
  if (files.model) writeFileSync(join(checkpoint, "tokenizer.model"), files.model);
  writeJson(join(checkpoint, "tokenizer_config.json"), { eos_token: files.eos, add_bos_token: false });
  const { path } = await convertCheckpoint(checkpoint, join(directory, "model.gguf"));
  const engine = new EngineModel(path);
  context.after(() => engine.free());
  return engine;
}

function assertPairs(engine: EngineModel, name: string): void {
  for (const [text, ids] of pairs(name)) assert.deepEqual(engine.tokenize(text), ids, JSON.stringify(text));
}

const options = existsSync(join(source, "models", "ggml-vocab-gpt-2.gguf"))
  ? {}
  : { skip: "needs llama.cpp's sources: set LLAMA_CPP_SOURCE to their directory" };

for (const [name, preTokenizer, eos] of [
  ["gpt-2", "gpt-2", "<|endoftext|>"],
  ["llama-bpe", "llama-3", "<|end_of_text|>"],
  ["qwen2", "qwen2", "<|endoftext|>"],
] as const) {
  test(`the real ${name} vocabulary keeps its ids through conversion`, options, async (context) => {
    const vocabulary = readVocabulary(name);
    const tokenizer = tokenizerJson(vocabulary, preTokenizer);
    const engine = await convertVocabulary(context, vocabulary.tokens.length, { tokenizer, eos });
    assertPairs(engine, name);
    const reference = new Tokenizer(tokenizer, { eos_token: eos });
    const different = corpusLines(2600, 44).filter((line) => {
      const text = preTokenizer === "qwen2" ? line.normalize("NFC") : line;
      return (
        reference.encode(text, { add_special_tokens: false }).ids.join() !== engine.tokenize(text).join()
      );
    });
    assert.equal(
      different.length,
      0,
      `${different.length} lines differ: ${JSON.stringify(different.slice(0, 5))}`,
    );
  });
}

test("the real Llama 2 vocabulary keeps its ids through conversion", options, async (context) => {
  const { tokens, scores, types } = readVocabulary("llama-spm");
  const pieces = tokens.map((text, id) => ({ text, score: scores[id] ?? 0, type: types[id] ?? 1 }));
  const engine = await convertVocabulary(context, tokens.length, { model: modelProto(pieces), eos: "</s>" });
  assertPairs(engine, "llama-spm");
});
