import { join } from "node:path";
import { syntheticVocabulary } from "../../bench/models/vocabulary.ts";
import { END_OF_TEXT, VOCABULARY } from "./architectures/metadata.ts";
import { makeTinyModel } from "./architectures/tiny-model.ts";
import { editGguf } from "./edited-gguf.ts";

/** `enum llama_token_type`. */
const NORMAL = 1;
const CONTROL = 3;
const CONTEXT = 4096;

/** What published vocabularies have as control tokens of their own. */
const controlText =
  /<[|｜][^<>\s]*?[|｜]>|<\|[a-z_]+>|<[a-z_]+\|>|\[\/?[A-Z_]+\]|<\/?(?:seed:)?think>|<\/?tool_call>/g;

/**
 * Writes a model of random weights for each chat template, into `directory`; returns their paths by name. The markers
 * in the template and in `texts`, which its answers are written with, are control tokens. Of other text about every
 * character is a token.
 */
export async function makeTemplateModels(
  directory: string,
  models: Readonly<Record<string, { readonly template: string; readonly texts: readonly string[] }>>,
  contextLength = CONTEXT,
): Promise<ReadonlyMap<string, string>> {
  const changes = { "llama.context_length": { type: "uint32", value: contextLength } } as const;
  const base = await makeTinyModel({ directory, architecture: "llama", changes });
  const paths = new Map<string, string>();
  for (const [name, { template, texts }] of Object.entries(models)) {
    const control = [...new Set([template, ...texts].flatMap((text) => text.match(controlText) ?? []))];
    const path = join(directory, `${name}.gguf`);
    await editGguf(base, path, {
      "tokenizer.chat_template": { type: "string", value: template },
      ...vocabularyWith(control),
    });
    paths.set(name, path);
  }
  return paths;
}

/** The usual vocabulary with `control` in the place of its last words. */
function vocabularyWith(control: readonly string[]) {
  const { tokens, merges } = syntheticVocabulary(VOCABULARY);
  const kept = tokens.slice(0, VOCABULARY - control.length);
  const isControl = (id: number) => id === END_OF_TEXT || id >= kept.length;
  return {
    "tokenizer.ggml.tokens": { type: "array", of: "string", value: [...kept, ...control] },
    "tokenizer.ggml.token_type": {
      type: "array",
      of: "int32",
      value: tokens.map((_, id) => (isControl(id) ? CONTROL : NORMAL)),
    },
    "tokenizer.ggml.merges": {
      type: "array",
      of: "string",
      value: merges.slice(0, merges.length - control.length),
    },
  } as const;
}
