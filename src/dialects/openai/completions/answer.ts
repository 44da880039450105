import type { GenerationEvent, ScoredToken } from "../../../inference/engine.ts";
import type { Pass } from "../accounting.ts";
import type { CompletionChoice, CompletionLogprobs } from "./schema.ts";

/** The least probability that is told apart from none, as for chat. */
const LEAST_LOGPROB = -9999;

/** OpenAI's four lists. `offset` is where the first token's text begins, in characters of the whole text. */
export function toLogprobs(tokens: readonly ScoredToken[], offset: number): CompletionLogprobs {
  let at = offset;
  // A character split across tokens counts where it is complete.
  const decoder = new TextDecoder();
  const offsets: number[] = [];
  for (const { bytes } of tokens) {
    offsets.push(Math.max(0, at));
    at += decoder.decode(bytes, { stream: true }).length;
  }
  return {
    tokens: tokens.map(({ bytes }) => textOf(bytes)),
    token_logprobs: tokens.map(({ logprob }) => (logprob === undefined ? null : finite(logprob))),
    // Tokens whose bytes make the same text share an entry; the likeliest of them comes first and stays.
    top_logprobs: tokens.map(({ logprob, top }) =>
      logprob === undefined || top.length === 0
        ? null
        : Object.fromEntries(top.toReversed().map((token) => [textOf(token.bytes), finite(token.logprob)])),
    ),
    text_offset: offsets,
  };
}

function finite(logprob: number): number {
  return Math.max(logprob, LEAST_LOGPROB);
}

/** A token that is part of a character is written as OpenAI's API does: `bytes:\xe2\x80`. */
function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.includes("\ufffd")) return text;
  return `bytes:${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
}

/** Text of tokens. Some tokenizers put a blank before a prompt, which the prompt's own text lacks. */
export function tokensText(tokens: readonly ScoredToken[]): string {
  return Buffer.concat(tokens.map(({ bytes }) => bytes)).toString("utf8");
}

/** One answer to one prompt as it comes together. */
export class CompletionAnswer {
  readonly #echo: string;
  readonly #hasLogprobs: boolean;
  #text = "";
  readonly #tokens: ScoredToken[] = [];
  #promptTokens = 0;
  #promptText = "";
  #end: Extract<GenerationEvent, { type: "done" }> | undefined;

  /** `echo` is the prompt's text, when the answer is to begin with it. */
  constructor(echo: string, hasLogprobs: boolean) {
    this.#echo = echo;
    this.#hasLogprobs = hasLogprobs;
  }

  take(event: GenerationEvent): void {
    switch (event.type) {
      case "prompt":
        this.#tokens.push(...event.tokens);
        this.#promptTokens = event.tokens.length;
        this.#promptText = tokensText(event.tokens);
        break;
      case "text":
        this.#text += event.text;
        this.#tokens.push(...(event.tokens ?? []));
        break;
      case "done":
        this.#end = event;
        break;
    }
  }

  get pass(): Pass {
    return this.#done;
  }

  /** Mean log-probability a generated token, by which the best of several answers is chosen. */
  get meanLogprob(): number {
    const scores = this.#tokens.slice(this.#promptTokens).map(({ logprob = 0 }) => logprob);
    return scores.length === 0
      ? Number.NEGATIVE_INFINITY
      : scores.reduce((sum, score) => sum + score, 0) / scores.length;
  }

  choice(index: number): CompletionChoice {
    return {
      index,
      text: this.#echo + this.#text,
      logprobs: this.#hasLogprobs
        ? toLogprobs(this.#tokens, this.#echo.length - this.#promptText.length)
        : null,
      finish_reason: this.#done.finishReason === "length" ? "length" : "stop",
    };
  }

  get #done() {
    if (this.#end === undefined) throw new Error("an answer ended without saying how");
    return this.#end;
  }
}
