import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { LlamaLibraries } from "../llama/library.ts";
import { weightsDigest } from "./model-file.ts";

/**
 * Tells one build of llama.cpp from another of the same release, and one variant for a processor from another's: the same
 * weights give other bits in them.
 */
export function librariesDigest({ directory, files }: LlamaLibraries): string {
  const hash = createHash("sha256");
  for (const file of [...new Set([...Object.values(files), ...mappedFrom(directory)])].toSorted())
    hash.update(`${basename(file)} ${weightsDigest(file)}\n`);
  return hash.digest("hex").slice(0, 16);
}

/** Files of that directory that this process has mapped; only Linux says. */
function mappedFrom(directory: string): readonly string[] {
  const maps = "/proc/self/maps";
  if (!existsSync(maps)) return [];
  return [...readFileSync(maps, "utf8").matchAll(/ (\/\S+\.so)$/gm)].flatMap(([, file = ""]) =>
    file.startsWith(`${directory}/`) ? [file] : [],
  );
}
