import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ModelError } from "../errors.ts";
import { isObject, type JsonObject, readJsonFile } from "./json.ts";
import { readSafetensors, type StoredTensor } from "./safetensors.ts";

/** A Hugging Face checkpoint in a directory: its configuration, and where each tensor lies. */
export interface Checkpoint {
  readonly directory: string;
  readonly config: JsonObject;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const singleFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";

/** @throws ModelError `invalid_checkpoint` or `is_directory` (no checkpoint in it) */
export function openCheckpoint(directory: string): Checkpoint {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ModelError(
      "invalid_checkpoint",
      `${directory} is not a directory; name the folder that holds config.json`,
    );
  }
  const config = readJsonFile(join(directory, "config.json"));
  const tensors = new Map<string, StoredTensor>();
  for (const file of weightFiles(directory)) {
    for (const tensor of readSafetensors(join(directory, file))) {
      if (tensors.has(tensor.name)) {
        throw new ModelError(
          "invalid_checkpoint",
          `The tensor ${tensor.name} is in two files of ${directory}`,
        );
      }
      tensors.set(tensor.name, tensor);
    }
  }
  return { directory, config, tensors };
}

function weightFiles(directory: string): readonly string[] {
  if (existsSync(join(directory, singleFile))) return [singleFile];
  if (!existsSync(join(directory, indexFile))) {
    throw new ModelError("invalid_checkpoint", `${directory} has neither ${singleFile} nor ${indexFile}`);
  }
  const files = shardsOf(readJsonFile(join(directory, indexFile)));
  const missing = files.filter((file) => !existsSync(join(directory, file)));
  if (missing.length > 0) {
    throw new ModelError(
      "invalid_checkpoint",
      `${directory} lacks ${missing.join(", ")}, which its index names`,
    );
  }
  return files;
}

/**
 * The files that a `model.safetensors.index.json` names.
 * @throws ModelError `invalid_checkpoint` where a name leaves the folder: the index is untrusted
 */
export function shardsOf(index: JsonObject): readonly string[] {
  const map = index["weight_map"];
  if (!isObject(map)) throw new ModelError("invalid_checkpoint", `${indexFile} has no weight_map`);
  const files = new Set<string>();
  for (const file of Object.values(map)) {
    if (typeof file !== "string" || !/^[A-Za-z0-9_-][A-Za-z0-9._-]*\.safetensors$/.test(file)) {
      throw new ModelError(
        "invalid_checkpoint",
        `${indexFile} names the unsafe file ${JSON.stringify(file)}`,
      );
    }
    files.add(file);
  }
  return [...files].toSorted();
}
