import { ApiError, UnavailableError } from "../../../errors.ts";
import type { UpstreamChat, UpstreamToken } from "../../../inference/upstream/chat-client.ts";
import { UpstreamError } from "../../../inference/upstream/upstream-error.ts";
import { JUDGE_MAX_TOKENS, judgeSchema } from "../judge-prompt.ts";
import { type AnswerToken, expectedScore, scorePlace } from "./expected-score.ts";
import type { JudgeAnswer, JudgeContext, JudgeModel, JudgeStatus } from "./judge-model.ts";

/** OpenAI's own limit. */
const TOP_TOKENS = 20;

/** A model behind an OpenAI-compatible API as judge. A JSON schema holds its output to the form. */
export class UpstreamJudge implements JudgeModel {
  readonly fingerprint = null;
  readonly isReady = true;
  readonly #chat: UpstreamChat;
  #status: JudgeStatus = { state: "idle" };

  constructor(chat: UpstreamChat) {
    this.#chat = chat;
  }

  get name(): string {
    return this.#chat.model;
  }

  /** How the last question went. */
  get status(): JudgeStatus {
    return this.#status;
  }

  async ask(question: string, { signal }: JudgeContext): Promise<JudgeAnswer> {
    const request = {
      messages: [{ role: "user", content: question }],
      maxTokens: JUDGE_MAX_TOKENS,
      temperature: 0,
      seed: 0,
      schema: { name: "judgement", schema: judgeSchema },
      topLogprobs: TOP_TOKENS,
    } as const;
    try {
      const { text, tokens, usage, latencyMs } = await this.#chat.complete(request, signal);
      this.#status = { state: "ready" };
      const place = scorePlace(answerTokens(tokens));
      return { text, expectedScore: place && expectedScore(place), usage, latencyMs };
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      throw this.#failure(error);
    }
  }

  async close(): Promise<void> {
    this.#status = { state: "stopped" };
  }

  #failure(error: UpstreamError): ApiError {
    if (error.code === "context_length_exceeded")
      return new ApiError("context_length_exceeded", "The response is too long for the judge.", {
        cause: error,
      });
    // What it said besides is for the log: it may quote its key or its own network to people who have none.
    const message =
      error.status === undefined ? "The judge could not be asked." : `The judge answered ${error.status}.`;
    this.#status = { state: "failed", message };
    return new UnavailableError("judge_failed", message, {
      retryAfterSeconds: Math.max(1, Math.ceil((error.retryAfterMs ?? 5_000) / 1000)),
      details: { ...(error.status !== undefined && { judge_status: error.status }) },
      cause: error,
    });
  }
}

/** The upstream's tokens as our own: their texts stand for the ids, which it does not tell. */
function answerTokens(tokens: readonly UpstreamToken[]): readonly AnswerToken[] {
  const ids = new Map<string, number>();
  const scored = ({ token, logprob, bytes }: Omit<UpstreamToken, "top_logprobs">) => {
    const id = ids.get(token) ?? ids.size;
    ids.set(token, id);
    return { token: id, logprob, bytes: bytes == null ? Buffer.from(token) : Uint8Array.from(bytes) };
  };
  return tokens.map((token) => ({ ...scored(token), top: (token.top_logprobs ?? []).map(scored) }));
}
