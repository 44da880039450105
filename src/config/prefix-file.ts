import { readFileSync } from "node:fs";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { type Setting, setting } from "./setting.ts";

/** What `PINNED_PREFIXES` names: a JSON list of system messages, or of texts for prompts sent with `raw`. */
const PrefixFile = Type.Array(
  Type.Union([Type.Object({ system: Type.String() }), Type.Object({ text: Type.String() })]),
);
export type PrefixFile = Static<typeof PrefixFile>;

/** Path of a prefix file. It is read with the configuration, and its mistakes are reported with all others. */
export function prefixFile(variable: string, description: string): Setting<PrefixFile> {
  return setting<PrefixFile>(
    variable,
    description,
    "a JSON file",
    { fallback: [], defaultText: "" },
    (path) => {
      const content = readJson(path);
      if (!Value.Check(PrefixFile, content))
        throw new Error('must be the path of a JSON list of {"system": "…"} or {"text": "…"}');
      return content;
    },
  );
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`must be the path of a JSON file: ${(error as Error).message}`, { cause: error });
  }
}
