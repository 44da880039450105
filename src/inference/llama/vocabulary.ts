import type { Llama } from "./bindings.ts";
import type { VocabHandle } from "./signatures.ts";
import { cutLongRuns } from "./text-runs.ts";

/** `enum llama_token_attr`. */
const UNKNOWN = 1 << 0;
const CONTROL = 1 << 3;
const USER_DEFINED = 1 << 4;

/** `enum llama_vocab_type` */
const BPE = 2;
const WPM = 3;

/**
 * Values of `tokenizer.ggml.pre` that took 100,000 letters, digits, spaces, line ends or signs without recursion in
 * llama.cpp v0.4.0 of node-llama-cpp 3.21.1. The text of every other one is cut before it is tokenized.
 */
const ITERATIVE_PRE_TOKENIZERS: ReadonlySet<string | undefined> = new Set([
  ...[
    "gpt-2",
    "smollm",
    "llama-bpe",
    "llama3",
    "llama-v3",
    "qwen2",
    "qwen35",
    "starcoder",
    "refact",
    "command-r",
    "olmo",
  ],
  ...[
    "dbrx",
    "stablelm2",
    "chatglm-bpe",
    "jais",
    "exaone",
    "granite-docling",
    "kimi-k2",
    "grok-2",
    "pixtral",
    "gemma4",
    "mpt",
  ],
]);

export interface TokenizeOptions {
  /** Put the model's BOS (and EOS, where the model wants it) around the text. */
  readonly addSpecial: boolean;
  /** Read `<|im_start|>` and the like as the special token; false reads them as plain text. */
  readonly parseSpecial: boolean;
}

/** Tokens of one model: text to ids and back. */
export class Vocabulary {
  readonly handle: VocabHandle;
  readonly size: number;
  readonly #llama: Llama;
  /** True where a long run of text would overflow the stack of llama.cpp's regular expressions. */
  readonly #cutsRuns: boolean;
  /** Pieces as bytes, filled as tokens are first seen. */
  readonly #pieces = new Map<number, Buffer>();
  readonly #scratch = Buffer.alloc(1024);
  #longestPiece: number | undefined;

  /** `preTokenizer`: the model's `tokenizer.ggml.pre`. */
  constructor(llama: Llama, handle: VocabHandle, preTokenizer: string | undefined) {
    this.#llama = llama;
    this.handle = handle;
    this.#cutsRuns = llama.llama_vocab_type(handle) === BPE && !ITERATIVE_PRE_TOKENIZERS.has(preTokenizer);
    this.size = llama.llama_vocab_n_tokens(handle);
  }

  /** Beginning-of-sequence token, undefined when the model has none. */
  get bos(): number | undefined {
    return idOrUndefined(this.#llama.llama_vocab_bos(this.handle));
  }

  get eos(): number | undefined {
    return idOrUndefined(this.#llama.llama_vocab_eos(this.handle));
  }

  /** What separates two texts of one input. */
  get separator(): number | undefined {
    return idOrUndefined(this.#llama.llama_vocab_sep(this.handle));
  }

  /** Word pieces, as BERT has them: their text is not the original's. */
  get isWordPiece(): boolean {
    return this.#llama.llama_vocab_type(this.handle) === WPM;
  }

  get addsEos(): boolean {
    return this.#llama.llama_vocab_get_add_eos(this.handle);
  }

  get addsSeparator(): boolean {
    return this.#llama.llama_vocab_get_add_sep(this.handle);
  }

  get addsBos(): boolean {
    return this.#llama.llama_vocab_get_add_bos(this.handle);
  }

  /** True for every token that ends a generation: EOS, end of turn and their kin. */
  isEndOfGeneration(token: number): boolean {
    return this.#llama.llama_vocab_is_eog(this.handle, token);
  }

  /** True for tokens without a text of their own, which templates write. */
  isControl(token: number): boolean {
    return (this.#llama.llama_vocab_get_attr(this.handle, token) & CONTROL) !== 0;
  }

  /** Texts that `parseSpecial` reads as one token: control, user-defined and unknown tokens (`token_special` in llama.cpp). */
  specialTexts(): readonly string[] {
    this.#specialTexts ??= this.#findSpecialTexts();
    return this.#specialTexts;
  }
  #specialTexts: readonly string[] | undefined;

  #findSpecialTexts(): readonly string[] {
    const texts: string[] = [];
    for (let token = 0; token < this.size; token++) {
      if (this.#llama.llama_vocab_get_attr(this.handle, token) & (UNKNOWN | CONTROL | USER_DEFINED)) {
        const text = this.#pieceBytes(token, true).toString("utf8");
        if (text.trim() !== "") texts.push(text);
      }
    }
    return texts;
  }

  /** Control tokens that the texts hold, each with its own text as bytes: what `piece` leaves out. */
  specialTokensIn(texts: readonly string[]): ReadonlyMap<number, Uint8Array> {
    const tokens = texts.flatMap((text) => [
      ...this.tokenize(text, { addSpecial: false, parseSpecial: true }),
    ]);
    const isShown = (token: number) => this.isControl(token) && !this.isEndOfGeneration(token);
    return new Map(tokens.filter(isShown).map((token) => [token, this.#pieceBytes(token, true)]));
  }

  /** Token ids of `text`, exactly as the model's tokenizer gives them, but for a run of thousands of letters. */
  tokenize(text: string, options: TokenizeOptions): Int32Array {
    const pieces = this.#cut(text, options);
    if (pieces.length === 1) return this.#tokenizePiece(text, options);
    const inner = { ...options, addSpecial: false };
    return this.#join(
      pieces.map((piece) => this.#tokenizePiece(piece, inner)),
      options,
    );
  }

  /** The same on another thread: some tokenizers take seconds for a long text without spaces. */
  async tokenizeElsewhere(text: string, options: TokenizeOptions): Promise<Int32Array> {
    const pieces = this.#cut(text, options);
    if (pieces.length === 1) return this.#tokenizePieceElsewhere(text, options);
    const tokens: Int32Array[] = [];
    for (const piece of pieces)
      tokens.push(await this.#tokenizePieceElsewhere(piece, { ...options, addSpecial: false }));
    return this.#join(tokens, options);
  }

  #cut(text: string, { parseSpecial }: TokenizeOptions): readonly string[] {
    if (!this.#cutsRuns) return [text];
    return cutLongRuns(text, parseSpecial ? this.specialTexts() : []);
  }

  /** The tokens of a text that was cut, with the model's BOS and EOS where they are wanted. */
  #join(pieces: readonly Int32Array[], { addSpecial }: TokenizeOptions): Int32Array {
    const first = addSpecial && this.addsBos && this.bos !== undefined ? [this.bos] : [];
    const last = addSpecial && this.addsEos && this.eos !== undefined ? [this.eos] : [];
    const tokens = new Int32Array(
      pieces.reduce((sum, { length }) => sum + length, first.length + last.length),
    );
    let at = 0;
    for (const piece of [first, ...pieces, last]) {
      tokens.set(piece, at);
      at += piece.length;
    }
    return tokens;
  }

  #tokenizePiece(text: string, options: TokenizeOptions): Int32Array {
    const bytes = Buffer.from(text, "utf8");
    const { addSpecial, parseSpecial } = options;
    const into = (tokens: Int32Array) =>
      this.#llama.llama_tokenize(
        this.handle,
        bytes,
        bytes.length,
        tokens,
        tokens.length,
        addSpecial,
        parseSpecial,
      );
    let tokens = new Int32Array(likelyTokens(bytes));
    let count = into(tokens);
    if (count < 0) {
      tokens = new Int32Array(-count);
      count = into(tokens);
    }
    return tokens.slice(0, count);
  }

  async #tokenizePieceElsewhere(text: string, options: TokenizeOptions): Promise<Int32Array> {
    const bytes = Buffer.from(text, "utf8");
    const { addSpecial, parseSpecial } = options;
    const into = (tokens: Int32Array) =>
      new Promise<number>((resolve, reject) => {
        const done = (error: unknown, count: number) => (error ? reject(error) : resolve(count));
        const { length } = tokens;
        this.#llama.llama_tokenize.async(
          this.handle,
          bytes,
          bytes.length,
          tokens,
          length,
          addSpecial,
          parseSpecial,
          done,
        );
      });
    // Room for the worst case, one token per byte and one at either end: the slow part then runs once.
    const tokens = new Int32Array(bytes.length + 2);
    return tokens.slice(0, await into(tokens));
  }

  /** Bytes of the longest piece: a text of n bytes has at least n / this tokens. */
  get longestPiece(): number {
    this.#longestPiece ??= Math.max(
      1,
      Array.from({ length: this.size }, (_, token) => this.#pieceBytes(token, true).length).reduce(
        (a, b) => Math.max(a, b),
        0,
      ),
    );
    return this.#longestPiece;
  }

  /** Bytes a token stands for; empty for control tokens. Not always whole UTF-8 characters. */
  piece(token: number): Buffer {
    let piece = this.#pieces.get(token);
    if (piece === undefined) {
      piece = this.#pieceBytes(token, false);
      this.#pieces.set(token, piece);
    }
    return piece;
  }

  /** Bytes of what a text has where the token is read from it. */
  writtenBytes(token: number): number {
    const length = this.piece(token).length;
    return length === 0 ? this.#pieceBytes(token, true).length : length;
  }

  /** Text of a control token as a template writes it, e.g. `<|im_end|>`. */
  specialText(token: number): string {
    return this.#pieceBytes(token, true).toString("utf8");
  }

  #pieceBytes(token: number, special: boolean): Buffer {
    let buffer = this.#scratch;
    let length = this.#llama.llama_token_to_piece(this.handle, token, buffer, buffer.length, 0, special);
    if (length < 0) {
      buffer = Buffer.alloc(-length);
      length = this.#llama.llama_token_to_piece(this.handle, token, buffer, buffer.length, 0, special);
    }
    return Buffer.from(buffer.subarray(0, Math.max(0, length)));
  }
}

function idOrUndefined(token: number): number | undefined {
  return token < 0 ? undefined : token;
}

/** Enough for most texts: three bytes per token. */
function likelyTokens(bytes: Buffer): number {
  return Math.max(16, Math.ceil(bytes.length / 3) + 2);
}
