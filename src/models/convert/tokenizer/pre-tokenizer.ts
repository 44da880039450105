import { isArray, isObject, type Json, type JsonObject } from "../json.ts";
import { unsupportedTokenizer } from "./vocabulary.ts";

/**
 * How a tokenizer.json cuts text into words before merging, as one comparable line. The engine has these splitters
 * built in under names (llama-vocab.cpp, `tokenizer_pre`); a splitter it lacks changes token ids silently, so
 * anything not in this table is refused.
 */
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const afterNumbers = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const llama3Pattern = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${afterNumbers}`;
const qwen2Pattern = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${afterNumbers}`;
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const tekkenPattern =
  `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*` +
  "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

interface Splitter {
  readonly name: string;
  readonly steps: string;
  /** Whether words that are tokens as a whole skip merging; the engine ties this to the name. */
  readonly ignoresMerges: boolean;
}

const splitters: readonly Splitter[] = [
  { name: "gpt-2", steps: "bytes(words)", ignoresMerges: false },
  { name: "smollm", steps: "digits(each) bytes(words)", ignoresMerges: false },
  { name: "llama-bpe", steps: `split(${llama3Pattern}) bytes()`, ignoresMerges: true },
  { name: "smaug-bpe", steps: `split(${llama3Pattern}) bytes()`, ignoresMerges: false },
  { name: "qwen2", steps: `split(${qwen2Pattern}) bytes()`, ignoresMerges: false },
  { name: "tekken", steps: `split(${tekkenPattern}) bytes()`, ignoresMerges: true },
];

/** @throws ModelError `unsupported_tokenizer` where the engine has no such splitter */
export function preTokenizerOf(tokenizer: JsonObject): string {
  const model = tokenizer["model"];
  const ignoresMerges = isObject(model) && model["ignore_merges"] === true;
  const steps = stepsOf(tokenizer["pre_tokenizer"]).join(" ");
  const known = splitters.find(
    (splitter) => splitter.steps === steps && splitter.ignoresMerges === ignoresMerges,
  );
  return known?.name ?? unsupportedTokenizer(`its pre-tokenizer is unknown (${steps || "none"})`);
}

function stepsOf(step: Json | undefined): readonly string[] {
  if (!isObject(step)) return [];
  switch (step["type"]) {
    case "Sequence":
      return isArray(step["pretokenizers"]) ? step["pretokenizers"].flatMap(stepsOf) : [];
    case "ByteLevel":
      if (step["add_prefix_space"] === true)
        unsupportedTokenizer("it puts a space before the text (add_prefix_space)");
      return [step["use_regex"] === false ? "bytes()" : "bytes(words)"];
    case "Digits":
      return [`digits(${step["individual_digits"] === true ? "each" : "runs"})`];
    case "Split": {
      const pattern = step["pattern"];
      const regex = isObject(pattern) ? (pattern["Regex"] ?? pattern["String"]) : undefined;
      const isPlain = step["behavior"] === "Isolated" && step["invert"] !== true;
      return [isPlain ? `split(${String(regex)})` : `split(${JSON.stringify(step)})`];
    }
    default:
      return [String(step["type"])];
  }
}
