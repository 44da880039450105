import { learnMerges } from "./bpe-trainer.ts";

/**
 * A small SentencePiece BPE tokenizer in both forms that checkpoints have it: the `tokenizer.model` protocol buffer,
 * and the tokenizer.json that Hugging Face derives from it.
 */
export interface TestSentencePiece {
  readonly model: Buffer;
  readonly tokenizer: Record<string, unknown>;
  readonly size: number;
}

export interface Piece {
  readonly text: string;
  readonly score: number;
  /** 1 normal, 2 unknown, 3 control, 6 byte. */
  readonly type: number;
}

export function sentencePiece(lines: readonly string[], mergeCount: number): TestSentencePiece {
  const wordCounts = new Map<string, number>();
  const characters = new Set("▁");
  for (const line of lines) {
    for (const word of line.split(/\s+/).filter((part) => part !== "")) {
      const text = `▁${word}`;
      for (const character of text) characters.add(character);
      wordCounts.set(text, (wordCounts.get(text) ?? 0) + 1);
    }
  }
  const merged = learnMerges(wordCounts, mergeCount).map(([left, right]) => left + right);
  // SentencePiece scores its pieces by rank; single characters follow the merged ones.
  const ranked = ["▁▁", ...merged, ...characters].filter((text, index, all) => all.indexOf(text) === index);
  const pieces: Piece[] = [
    { text: "<unk>", score: 0, type: 2 },
    { text: "<s>", score: 0, type: 3 },
    { text: "</s>", score: 0, type: 3 },
    ...Array.from({ length: 256 }, (_, byte): Piece => ({ text: byteToken(byte), score: 0, type: 6 })),
    ...ranked.map((text, rank): Piece => ({ text, score: -rank, type: 1 })),
  ];
  return { model: modelProto(pieces), tokenizer: tokenizerJson(pieces), size: pieces.length };
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

/** Every way to split a piece into two is a merge, best pieces first (transformers, `generate_merges`). */
function mergesOf(pieces: readonly Piece[]): readonly string[] {
  const known = new Set(pieces.map((piece) => piece.text));
  return pieces
    .filter((piece) => piece.type === 1)
    .flatMap(({ text }) => {
      const characters = [...text];
      return characters.slice(1).flatMap((_, index) => {
        const left = characters.slice(0, index + 1).join("");
        const right = characters.slice(index + 1).join("");
        return known.has(left) && known.has(right) ? [`${left} ${right}`] : [];
      });
    });
}

function tokenizerJson(pieces: readonly Piece[]): Record<string, unknown> {
  const special = (id: number) => ({
    id,
    content: pieces[id]?.text,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const replace = (from: string, to: string) => ({ type: "Replace", pattern: { String: from }, content: to });
  return {
    version: "1.0",
    added_tokens: [special(0), special(1), special(2)],
    normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, replace(" ", "▁")] },
    pre_tokenizer: null,
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [],
      special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
    },
    decoder: { type: "Sequence", decoders: [replace("▁", " "), { type: "ByteFallback" }, { type: "Fuse" }] },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
      merges: mergesOf(pieces),
    },
  };
}

/** sentencepiece_model.proto: pieces (1), trainer_spec (2) with model_type BPE, normalizer_spec (3). */
export function modelProto(pieces: readonly Piece[]): Buffer {
  const encoded = pieces.map(({ text, score, type }) => {
    const number = Buffer.alloc(4);
    number.writeFloatLE(score);
    return field(
      1,
      Buffer.concat([field(1, Buffer.from(text)), Buffer.of((2 << 3) | 5), number, Buffer.of(3 << 3, type)]),
    );
  });
  const trainer = field(2, Buffer.of(3 << 3, 2));
  const normalizer = field(3, Buffer.concat([field(1, Buffer.from("identity")), Buffer.of(3 << 3, 1)]));
  return Buffer.concat([...encoded, trainer, normalizer]);
}

function field(number: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.of((number << 3) | 2, ...length, rest), bytes]);
}
