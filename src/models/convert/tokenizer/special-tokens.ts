import type { MetadataBuilder } from "../../gguf/metadata.ts";
import type { ModelConfig } from "../architectures/model-config.ts";
import { isArray, isObject, type Json, type JsonObject } from "../json.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";
import { tokenTypes, unsupportedTokenizer, type Vocabulary } from "./vocabulary.ts";

/** The engine's key for each role that tokenizer_config.json names a token for. */
const roles = {
  bos: "bos_token_id",
  eos: "eos_token_id",
  unk: "unknown_token_id",
  sep: "seperator_token_id", // sic: the format's spelling
  pad: "padding_token_id",
  mask: "mask_token_id",
} as const;
type Role = keyof typeof roles;

/**
 * Writes which tokens begin, end, pad; whether a beginning or end is added to every text; and the chat template.
 * Begin and end are always written: left out, the engine would take token 11 of a byte-level vocabulary for both.
 */
export function describeSpecialTokens(
  files: TokenizerFiles,
  vocabulary: Vocabulary,
  config: ModelConfig,
  metadata: MetadataBuilder,
): void {
  const idOfText = new Map(vocabulary.tokens.map((token, id) => [token.text, id]));
  const idOf = (role: Role): number | undefined => {
    const text =
      contentOf(files.settings[`${role}_token`]) ?? contentOf(files.specialTokensMap[`${role}_token`]);
    const byName = text === undefined ? undefined : idOfText.get(text);
    const id = byName ?? config.tokenId(`${role}_token_id`);
    return id !== undefined && id < vocabulary.tokens.length ? id : undefined;
  };
  const firstControl = vocabulary.tokens.findIndex((token) => token.type === tokenTypes.control);
  const eos = idOf("eos") ?? idOf("bos") ?? (firstControl >= 0 ? firstControl : undefined);
  if (eos === undefined) unsupportedTokenizer("it has no token that ends a text (eos_token)");
  const ids: Readonly<Record<Role, number | undefined>> = {
    bos: idOf("bos") ?? eos,
    eos,
    unk: idOf("unk"),
    sep: idOf("sep"),
    pad: idOf("pad"),
    mask: idOf("mask"),
  };
  for (const role of Object.keys(roles) as Role[]) {
    const id = ids[role];
    if (id !== undefined) metadata.uint32(`tokenizer.ggml.${roles[role]}`, id);
  }
  const turnEnd = turnEndOf(files.generation, eos, vocabulary.tokens.length);
  if (turnEnd !== undefined) metadata.uint32("tokenizer.ggml.eot_token_id", turnEnd);
  const template = templateOf(files.tokenizer?.["post_processor"]);
  const isLlamaClass = /^(Code)?LlamaTokenizer/.test(String(files.settings["tokenizer_class"]));
  metadata
    .bool("tokenizer.ggml.add_bos_token", flag(files, "add_bos_token") ?? template?.begins ?? isLlamaClass)
    .bool("tokenizer.ggml.add_eos_token", flag(files, "add_eos_token") ?? template?.ends ?? false);
  describeChatTemplate(files, metadata);
}

/** A chat model may end its turn with another token than a text: generation_config.json then lists both. */
function turnEndOf(generation: JsonObject, eos: number, vocabularySize: number): number | undefined {
  const ends = generation["eos_token_id"];
  const ids = isArray(ends) ? ends : [ends];
  return ids.find((id): id is number => Number.isInteger(id) && id !== eos && Number(id) < vocabularySize);
}

function contentOf(token: Json | undefined): string | undefined {
  const content = isObject(token) ? token["content"] : token;
  return typeof content === "string" && content !== "" ? content : undefined;
}

function flag(files: TokenizerFiles, key: string): boolean | undefined {
  const value = files.settings[key];
  return typeof value === "boolean" ? value : undefined;
}

/** Whether the post-processor puts special tokens around a single text. */
function templateOf(processor: Json | undefined): { begins: boolean; ends: boolean } | undefined {
  if (!isObject(processor)) return undefined;
  if (processor["type"] === "Sequence" && isArray(processor["processors"])) {
    return processor["processors"].map(templateOf).find((template) => template !== undefined);
  }
  const single = processor["single"];
  if (processor["type"] !== "TemplateProcessing" || !isArray(single)) return undefined;
  const isSpecial = (piece: Json | undefined) => isObject(piece) && piece["SpecialToken"] !== undefined;
  return { begins: isSpecial(single[0]), ends: single.length > 1 && isSpecial(single.at(-1)) };
}

/** The template is one string, or a list of named ones of which `default` serves chat. */
function describeChatTemplate(files: TokenizerFiles, metadata: MetadataBuilder): void {
  const template = files.settings["chat_template"] ?? files.separateChatTemplate;
  if (typeof template === "string") metadata.string("tokenizer.chat_template", template);
  if (!isArray(template)) return;
  for (const entry of template) {
    if (!isObject(entry)) continue;
    const { name, template: text } = entry;
    if (typeof name !== "string" || typeof text !== "string") continue;
    const isDefault = name === "default";
    metadata.string(isDefault ? "tokenizer.chat_template" : `tokenizer.chat_template.${name}`, text);
  }
}
