import { type ApiError, InvalidRequestError } from "../../errors.ts";
import { PendingReplies } from "../../platform/pending-replies.ts";
import type { CacheView } from "../cache-report.ts";
import type { Prompt } from "../engine.ts";
import type { EngineNews, ToEngine } from "./protocol.ts";
import { TokenWork, toNumbers } from "./token-work.ts";

type Answer = Extract<EngineNews, { readonly type: "tokens" | "text" | "cache" | "rest" }>;

/** Tokens that are turned into text between two steps. */
const TOKENS_AT_ONCE = 4096;
/** Most text that tokens may stand for: a short piece of the vocabulary, asked for often, is far longer than its ids. */
const MAX_TEXT_BYTES = 16 * 2 ** 20;

/** Questions to the engine process beside its generations: each is sent, and has an answer or a refusal. */
export class Inquiries {
  readonly #send: (message: (id: number) => ToEngine) => number;
  readonly #replies = new PendingReplies<Answer>();
  /** What came of answers that come in pieces. */
  readonly #pieces = new Map<number, Int32Array[]>();
  readonly #tokenWork = new TokenWork();

  /** `send` gives the message its number. @throws UnavailableError while there is no engine */
  constructor(send: (message: (id: number) => ToEngine) => number) {
    this.#send = send;
  }

  async tokenize(prompt: Prompt, signal: AbortSignal | undefined): Promise<number[]> {
    const size = prompt.parts.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);
    return this.#tokenWork.run(size, signal, async () => {
      const { id, tokens } = await this.#ask(
        (number) => ({ type: "tokenize", id: number, prompt }),
        "tokens",
      );
      const before = this.#pieces.get(id) ?? [];
      this.#pieces.delete(id);
      return toNumbers([...before, tokens]);
    });
  }

  /** @throws InvalidRequestError for unknown tokens and for too long a text */
  async detokenize(tokens: readonly number[], signal: AbortSignal | undefined): Promise<string> {
    return this.#tokenWork.run(tokens.length, signal, async () => {
      const pieces: Uint8Array[] = [];
      let length = 0;
      for (let start = 0; start < tokens.length; start += TOKENS_AT_ONCE) {
        signal?.throwIfAborted();
        const piece = tokens.slice(start, start + TOKENS_AT_ONCE);
        const { bytes } = await this.#ask((id) => ({ type: "detokenize", id, tokens: piece }), "text");
        length += bytes.length;
        if (length > MAX_TEXT_BYTES) throw tooLong();
        pieces.push(bytes);
      }
      return Buffer.concat(pieces).toString("utf8");
    });
  }

  async viewCache(): Promise<CacheView<number>> {
    const { view } = await this.#ask((id) => ({ type: "cache", id }), "cache");
    return view;
  }

  /** @throws ApiError `conflict` while requests run */
  async sleep(): Promise<void> {
    await this.#ask((id) => ({ type: "sleep", id }), "rest");
  }

  /** @throws UnavailableError where the memory is gone */
  async wake(): Promise<void> {
    await this.#ask((id) => ({ type: "wake", id }), "rest");
  }

  answer(id: number, answer: Answer): void {
    if (answer.type !== "tokens" || answer.isLast) this.#replies.answer(id, answer);
    else this.#pieces.set(id, [...(this.#pieces.get(id) ?? []), answer.tokens]);
  }

  refuse(id: number, error: ApiError): void {
    this.#pieces.delete(id);
    this.#replies.refuse(id, error);
  }

  refuseAll(error: ApiError): void {
    this.#pieces.clear();
    this.#replies.refuseAll(error);
  }

  async #ask<Type extends Answer["type"]>(
    message: (id: number) => ToEngine,
    type: Type,
  ): Promise<Extract<Answer, { readonly type: Type }>> {
    const answer = await this.#replies.wait(this.#send(message));
    if (!isOf(answer, type)) throw new Error(`unexpected answer ${answer.type}`);
    return answer;
  }
}

function tooLong(): InvalidRequestError {
  return new InvalidRequestError(
    `The tokens stand for more than ${MAX_TEXT_BYTES / 2 ** 20} MiB of text: send fewer at once.`,
    { param: "tokens" },
  );
}

function isOf<Type extends Answer["type"]>(
  answer: Answer,
  type: Type,
): answer is Extract<Answer, { readonly type: Type }> {
  return answer.type === type;
}
