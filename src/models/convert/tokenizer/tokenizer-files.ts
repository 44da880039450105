import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isArray, isObject, type Json, type JsonObject, readOptionalJsonFile } from "../json.ts";
import { gpt2Tokenizer, isGpt2Tokenizer } from "./gpt2-files.ts";
import { unsupportedTokenizer } from "./vocabulary.ts";

/** The files of a checkpoint that say how its text becomes tokens. All are small, and fetched before any weights. */
export interface TokenizerFiles {
  readonly tokenizer: JsonObject | undefined;
  readonly settings: JsonObject;
  readonly specialTokensMap: JsonObject;
  readonly generation: JsonObject;
  readonly addedTokens: readonly AddedToken[];
  readonly sentencePiece: Buffer | undefined;
  /** The Jinja template of `chat_template.jinja` or `chat_template.json`, where the settings have none. */
  readonly separateChatTemplate: string | undefined;
}

export interface AddedToken {
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
}

const maxSentencePieceBytes = 64 << 20;

/** @param modelType `model_type` of config.json, which names the tokenizer's class where nothing else does */
export function readTokenizerFiles(directory: string, modelType: string | undefined): TokenizerFiles {
  const settings = readOptionalJsonFile(join(directory, "tokenizer_config.json")) ?? {};
  const tokenizer =
    readOptionalJsonFile(join(directory, "tokenizer.json")) ??
    (isGpt2Tokenizer(settings, modelType) ? gpt2Tokenizer(directory, settings) : undefined);
  return {
    tokenizer,
    settings,
    specialTokensMap: readOptionalJsonFile(join(directory, "special_tokens_map.json")) ?? {},
    generation: readOptionalJsonFile(join(directory, "generation_config.json")) ?? {},
    addedTokens: tokenizer
      ? listedTokens(tokenizer["added_tokens"])
      : decoderTokens(settings["added_tokens_decoder"]),
    sentencePiece: readSentencePiece(join(directory, "tokenizer.model")),
    separateChatTemplate: readChatTemplate(directory),
  };
}

/** tokenizer.json: `[{id, content, special, …}]`. */
function listedTokens(list: Json | undefined): readonly AddedToken[] {
  return isArray(list)
    ? list.map((entry) => addedToken(isObject(entry) ? entry["id"] : undefined, entry))
    : [];
}

/** tokenizer_config.json: `{"32000": {content, special, …}}`. */
function decoderTokens(map: Json | undefined): readonly AddedToken[] {
  return isObject(map) ? Object.entries(map).map(([id, entry]) => addedToken(Number(id), entry)) : [];
}

function addedToken(id: Json | undefined, entry: Json | undefined): AddedToken {
  const text = isObject(entry) ? entry["content"] : undefined;
  if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || typeof text !== "string" || text === "") {
    unsupportedTokenizer(`the added token ${JSON.stringify(entry)} has no valid id and content`);
  }
  return { id, text, special: isObject(entry) && entry["special"] === true };
}

function readSentencePiece(path: string): Buffer | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  if (size > maxSentencePieceBytes) unsupportedTokenizer(`tokenizer.model has ${size} bytes`);
  return readFileSync(path);
}

function readChatTemplate(directory: string): string | undefined {
  const jinja = join(directory, "chat_template.jinja");
  if (existsSync(jinja)) return readFileSync(jinja, "utf8");
  const template = readOptionalJsonFile(join(directory, "chat_template.json"))?.["chat_template"];
  return typeof template === "string" ? template : undefined;
}
