import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, readOptionalJsonFile } from "../json.ts";

const maxMergesBytes = 64 << 20;

/**
 * The tokenizer of a GPT-2 checkpoint from before tokenizer.json: vocab.json and merges.txt, read as the
 * tokenizer.json that Hugging Face's library makes of them. Undefined where the files are missing.
 */
export function gpt2Tokenizer(directory: string, settings: JsonObject): JsonObject | undefined {
  const vocab = readOptionalJsonFile(join(directory, "vocab.json"));
  const path = join(directory, "merges.txt");
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
  if (!vocab || size > maxMergesBytes) return undefined;
  const lines = readFileSync(path, "utf8").split("\n");
  const merges = lines
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !line.startsWith("#version"));
  const added = readOptionalJsonFile(join(directory, "added_tokens.json")) ?? {};
  const endOfText = vocab["<|endoftext|>"];
  return {
    added_tokens: [
      ...(endOfText === undefined ? [] : [{ id: endOfText, content: "<|endoftext|>", special: true }]),
      ...Object.entries(added).map(([content, id = null]) => ({ id, content, special: false })),
    ],
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: settings["add_prefix_space"] === true },
    model: { type: "BPE", vocab, merges },
  };
}

/** The class that the files are of; without one, GPT-2's own repositories leave it to the model's. */
export function isGpt2Tokenizer(settings: JsonObject, modelType: string | undefined): boolean {
  const name = settings["tokenizer_class"];
  return typeof name === "string" ? /^GPT2Tokenizer(Fast)?$/.test(name) : modelType === "gpt2";
}
