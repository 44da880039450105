import type { ApiError } from "../../errors.ts";
import { PendingReplies } from "../../platform/pending-replies.ts";
import type { CacheView } from "../cache-report.ts";
import type { Prompt } from "../engine.ts";
import type { EngineNews, ToEngine } from "./protocol.ts";
import { TokenWork, toNumbers } from "./token-work.ts";

/** What has one answer. */
type Answer = Extract<EngineNews, { readonly type: "tokens" | "text" | "cache" | "rest" }>;

/** Questions to the engine process beside its generations: each is sent, and has one answer or a refusal. */
export class Inquiries {
  readonly #send: (message: (id: number) => ToEngine) => number;
  readonly #replies = new PendingReplies<Answer>();
  readonly #tokenWork = new TokenWork();

  /** `send` gives the message its number. @throws UnavailableError while there is no engine */
  constructor(send: (message: (id: number) => ToEngine) => number) {
    this.#send = send;
  }

  async tokenize(prompt: Prompt, signal: AbortSignal | undefined): Promise<number[]> {
    const size = prompt.parts.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);
    const ask = () => this.#ask((id) => ({ type: "tokenize", id, prompt }), "tokens");
    const { tokens } = await this.#tokenWork.run(size, signal, ask);
    return toNumbers(tokens);
  }

  async detokenize(tokens: readonly number[], signal: AbortSignal | undefined): Promise<string> {
    const ask = () => this.#ask((id) => ({ type: "detokenize", id, tokens }), "text");
    const { text } = await this.#tokenWork.run(tokens.length, signal, ask);
    return text;
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
    this.#replies.answer(id, answer);
  }

  refuse(id: number, error: ApiError): void {
    this.#replies.refuse(id, error);
  }

  refuseAll(error: ApiError): void {
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

function isOf<Type extends Answer["type"]>(
  answer: Answer,
  type: Type,
): answer is Extract<Answer, { readonly type: Type }> {
  return answer.type === type;
}
