import { existsSync } from "node:fs";
import { join } from "node:path";
import { shardsOf } from "./convert/checkpoint.ts";
import { readJsonFile } from "./convert/json.ts";
import { ModelError } from "./errors.ts";
import type { HubFile } from "./hub/client.ts";

const weightsFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";

/** What conversion reads besides weights. Small, and enough to tell whether conversion is possible at all. */
const descriptionFiles = new Set([
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "generation_config.json",
  "tokenizer.model",
  "chat_template.jinja",
  "chat_template.json",
  indexFile,
]);

/** Needed only where there is no tokenizer.json: GPT-2's older form. */
const olderTokenizerFiles = new Set(["vocab.json", "merges.txt", "added_tokens.json"]);
const maxDescriptionBytes = 64 << 20;

/** @throws ModelError `invalid_checkpoint` where one is too large to be what its name says */
export function descriptionFilesOf(files: readonly HubFile[]): readonly string[] {
  const isOlder = !files.some((file) => file.path === "tokenizer.json");
  const wanted = files.filter(
    ({ path }) => descriptionFiles.has(path) || (isOlder && olderTokenizerFiles.has(path)),
  );
  const huge = wanted.find((file) => file.size > maxDescriptionBytes);
  if (huge)
    throw new ModelError("invalid_checkpoint", `${huge.path} has ${huge.size} bytes, which no real one has`);
  return wanted.map((file) => file.path);
}

/** Whether a repository's names look like a checkpoint that can be converted. */
export function isCheckpoint(paths: readonly string[]): boolean {
  return paths.includes("config.json") && (paths.includes(weightsFile) || paths.includes(indexFile));
}

/** The weight files of a checkpoint whose description files are in `directory`. */
export function weightFilesOf(directory: string, paths: readonly string[]): readonly string[] {
  if (paths.includes(weightsFile)) return [weightsFile];
  const shards = existsSync(join(directory, indexFile))
    ? shardsOf(readJsonFile(join(directory, indexFile)))
    : [];
  const missing = shards.filter((shard) => !paths.includes(shard));
  if (shards.length === 0 || missing.length > 0) {
    throw new ModelError(
      "invalid_checkpoint",
      `The repository lacks weight files: ${missing.join(", ") || "all"}`,
    );
  }
  return shards;
}

/** Why a repository without GGUF files and safetensors can't be served. */
export function noModelError(repository: string, paths: readonly string[]): ModelError {
  const found = paths.some((path) => path.endsWith(".bin") || path.endsWith(".pt") || path.endsWith(".onnx"))
    ? "only formats that aren't read (PyTorch .bin, ONNX)"
    : "no model";
  return new ModelError(
    "file_not_found",
    `${repository} has ${found}; a .gguf file, or config.json with model.safetensors is needed. ` +
      "Choose a repository that has them (often the same name with -GGUF)",
  );
}
