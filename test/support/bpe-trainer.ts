/** Makes small tokenizer.json files the way Hugging Face's trainers do, so that tests have real merges to follow. */

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const tail = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

function splitStep(pattern: string): readonly unknown[] {
  return [
    { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
  ];
}
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };

/** The pre-tokenizers as the published tokenizer.json files of each family have them. */
export const preTokenizers = {
  "gpt-2": byteLevel,
  smollm: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel] },
  "llama-3": {
    type: "Sequence",
    pretokenizers: splitStep(`${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${tail}`),
  },
  qwen2: {
    type: "Sequence",
    pretokenizers: splitStep(`${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${tail}`),
  },
} as const;
export type PreTokenizerName = keyof typeof preTokenizers;

export interface TrainOptions {
  readonly preTokenizer: PreTokenizerName;
  readonly lines: readonly string[];
  readonly merges: number;
  readonly specialTokens: readonly string[];
}

/** GPT-2's visible character for each byte: printable ones stand for themselves, the rest follow from U+0100. */
function byteCharacters(): readonly string[] {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

/** A tokenizer.json with byte-level BPE merges learned from `lines`. */
export function trainTokenizer(options: TrainOptions): Record<string, unknown> {
  const characters = byteCharacters();
  const wordCounts = new Map<string, number>();
  for (const line of options.lines) {
    // The words only steer which merges are learned; the splitters under test do the real splitting.
    for (const word of line.match(/ ?\p{L}+| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+/gu) ?? []) {
      const text = [...Buffer.from(word, "utf8")].map((byte) => characters[byte]).join("");
      wordCounts.set(text, (wordCounts.get(text) ?? 0) + 1);
    }
  }
  const merges = learnMerges(wordCounts, options.merges);
  const texts = [...characters.toSorted(), ...merges.map(([left, right]) => left + right)];
  const vocab = Object.fromEntries(texts.map((text, index) => [text, options.specialTokens.length + index]));
  return tokenizerJson(options, vocab, merges);
}

export function learnMerges(
  wordCounts: ReadonlyMap<string, number>,
  count: number,
): readonly [string, string][] {
  let words = [...wordCounts].map(([word, times]) => ({ parts: [...word], times }));
  const merges: [string, string][] = [];
  const known = new Set<string>();
  while (merges.length < count) {
    const pairs = new Map<string, number>();
    for (const { parts, times } of words) {
      for (let at = 1; at < parts.length; at++) {
        const pair = `${parts[at - 1]} ${parts[at]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + times);
      }
    }
    let best: string | undefined;
    for (const [pair, times] of pairs) {
      if (times > (pairs.get(best ?? "") ?? 0) && !known.has(pair.replace(" ", ""))) best = pair;
    }
    const [left, right] = best?.split(" ") ?? [];
    if (left === undefined || right === undefined) break;
    merges.push([left, right]);
    known.add(left + right);
    words = words.map(({ parts, times }) => ({ parts: mergePair(parts, left, right), times }));
  }
  return merges;
}

function mergePair(parts: string[], left: string, right: string): string[] {
  if (!parts.includes(left)) return parts;
  const merged: string[] = [];
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? "";
    if (part === left && parts[at + 1] === right) {
      merged.push(left + right);
      at++;
    } else merged.push(part);
  }
  return merged;
}

function tokenizerJson(
  options: TrainOptions,
  vocab: Record<string, number>,
  merges: readonly [string, string][],
): Record<string, unknown> {
  const isLlama3 = options.preTokenizer === "llama-3";
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: options.specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: options.preTokenizer === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: preTokenizers[options.preTokenizer],
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: isLlama3,
      vocab: { ...Object.fromEntries(options.specialTokens.map((content, id) => [content, id])), ...vocab },
      merges: merges.map(([left, right]) => `${left} ${right}`),
    },
  };
}
