import { InvalidRequestError } from "../../../errors.ts";
import type { Embedder } from "../../../inference/embedder.ts";
import { lengthOf, scaled } from "../../../inference/embedding/local-embedder.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import type { EmbeddingModelNames } from "../../../serving/embedding-model-names.ts";
import { type EmbeddingInput, MAX_REQUEST_TOKENS, naming, readInput } from "./input.ts";
import type { EmbeddingsAnswer, EmbeddingsBody } from "./schema.ts";

/** Answers `/v1/embeddings`: OpenAI's request onto the embeddings port, and back. */
export class EmbeddingsService {
  readonly #embedder: Embedder;
  readonly #names: EmbeddingModelNames;

  constructor(embedder: Embedder, names: EmbeddingModelNames) {
    this.#embedder = embedder;
    this.#names = names;
  }

  /** @throws ApiError naming the field */
  async create(body: EmbeddingsBody, signal: AbortSignal): Promise<EmbeddingsAnswer> {
    const input = readInput(body.input);
    if (isSet(body.model)) this.#names.check(body.model);
    if (input.type === "tokens") this.#assertOwnTokens(body.model);
    const dimensions = this.#dimensions(body.dimensions ?? undefined);
    try {
      const texts = await this.#texts(input);
      await this.#checkTotal(texts);
      const { vectors, lengths, tokens } = await this.#embedder.embed(texts, { signal });
      const total = tokens.reduce((sum, count) => sum + count, 0);
      return {
        object: "list",
        data: vectors.map((vector, index) => ({
          object: "embedding",
          index,
          embedding: encode(
            shaped(vector, dimensions, body.normalize === false ? lengths[index] : undefined),
            body.encoding_format ?? "float",
          ),
        })),
        model: body.model ?? this.#embedder.model,
        usage: { input_tokens: total, prompt_tokens: total, total_tokens: total },
      };
    } catch (error) {
      throw naming(error, body.input);
    }
  }

  /**
   * Clients that know OpenAI's models by name send the tokens of OpenAI's tokenizer, which are other words here. Who
   * names this model, or none, means its own.
   * @throws InvalidRequestError
   */
  #assertOwnTokens(name: string | null | undefined): void {
    if (!isSet(name) || this.#names.isOwn(name)) return;
    throw new InvalidRequestError(
      `input holds token ids, and those of ${name} mean other words to ${this.#embedder.model}: send texts (LangChain: check_embedding_ctx_length=False), or name that model.`,
      { param: "input" },
    );
  }

  /** @throws InvalidRequestError when vectors can't have that many */
  #dimensions(asked: number | undefined): number {
    const { model, dimensions, shortenable } = this.#embedder;
    if (asked === undefined || asked === dimensions) return dimensions;
    if (asked < dimensions && shortenable) return asked;
    const reason = shortenable
      ? `vectors of ${model} have ${dimensions}`
      : `vectors of ${model} have ${dimensions} and lose their meaning when cut`;
    throw new InvalidRequestError(`dimensions ${asked} is not supported: ${reason}.`, {
      param: "dimensions",
    });
  }

  #texts(input: EmbeddingInput): Promise<readonly string[]> | readonly string[] {
    return input.type === "texts" ? input.texts : this.#embedder.detokenize(input.lists);
  }

  /** @throws InvalidRequestError when the texts together are more than OpenAI's API takes */
  async #checkTotal(texts: readonly string[]): Promise<void> {
    // A token has a character at least, and each text may get two marks around it.
    const most = texts.reduce((sum, text) => sum + text.length + 2, 0);
    if (most <= MAX_REQUEST_TOKENS) return;
    const counts = await this.#embedder.countTokens(texts);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total <= MAX_REQUEST_TOKENS) return;
    throw new InvalidRequestError(
      `input has ${total} tokens together; a request takes ${MAX_REQUEST_TOKENS}. Send several requests.`,
      { param: "input", details: { total_tokens: total } },
    );
  }
}

/** The first `dimensions` of a vector, as long as the model made them, or of length 1. */
function shaped(vector: Float32Array, dimensions: number, originalLength: number | undefined): Float32Array {
  if (originalLength !== undefined) return scaled(vector.subarray(0, dimensions), originalLength);
  if (dimensions === vector.length) return vector;
  const part = vector.subarray(0, dimensions);
  return scaled(part, 1 / lengthOf(part));
}

/** Numbers, or the bytes of 32-bit floats, which every platform that Node runs on stores little-endian. */
function encode(vector: Float32Array, format: "float" | "base64"): number[] | string {
  if (format === "float") return Array.from(vector);
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}
