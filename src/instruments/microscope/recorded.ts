import { ApiError } from "../../errors.ts";
import type { Prompt } from "../../inference/engine.ts";
import type { Sampling } from "../../inference/sampling.ts";
import type { Contents } from "../../telemetry/ledger/contents.ts";
import type { Ledger } from "../../telemetry/ledger/ledger.ts";
import type { KeptAnswers } from "../replay/kept-answers.ts";

/** Text of a request that was answered. */
export interface RecordedText {
  /** The served model's name; null where the ledger has none. */
  readonly model: string | null;
  readonly prompt: Prompt;
  readonly answer: Prompt;
  /** How the answer was chosen; known of answers that were asked for as reproducible. */
  readonly sampling: Sampling | undefined;
}

export interface Records {
  /** Undefined where no requests are kept. */
  readonly ledger: Ledger | undefined;
  readonly contents: Contents;
  readonly keptAnswers: KeptAnswers;
}

/**
 * Prompt and first answer of a request whose text `LEDGER_CONTENT` has kept. Those of a reproducible one are its own tokens,
 * while memory has them; else the text is tokenized again.
 * @throws ApiError `not_found`
 */
export async function recordedText(
  id: string,
  { ledger, contents, keptAnswers }: Records,
): Promise<RecordedText> {
  const row = await ledger?.find(id);
  const [content] = (row === undefined ? undefined : await contents.find(row.id)) ?? [];
  if (row === undefined || content === undefined || content.answer === null) {
    const message = `No text of request ${JSON.stringify(id)} is kept: that takes LEDGER_CONTENT=all, and a request that does not say store: false.`;
    throw new ApiError("not_found", message, { param: "request" });
  }
  const [kept] = keptAnswers.find(row.id)?.generations ?? [];
  const written = (text: string): Prompt => ({
    parts: [{ type: "text", text, parseSpecial: true }],
    addBos: false,
  });
  return {
    model: row.model,
    prompt: kept?.request.prompt ?? { ...written(content.prompt), addBos: true },
    answer:
      kept === undefined
        ? written(content.answer)
        : { parts: [{ type: "tokens", tokens: kept.tokens.map(({ token }) => token) }], addBos: false },
    sampling: kept?.request.sampling,
  };
}
