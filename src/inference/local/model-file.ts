import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import type { LlamaModel } from "../llama/model.ts";

/** Tells one model file from another without reading its gigabytes: its metadata, its size and its time. */
export function fingerprint(model: LlamaModel): string {
  const { size, mtimeMs } = statSync(model.path);
  const facts = [...model.metadata, ["size", String(size)], ["modified", String(mtimeMs)]];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 10);
}

/** Size of the model's file; 0 when there is none, which loading it will say better. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
