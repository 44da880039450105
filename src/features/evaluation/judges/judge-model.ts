import type { GenerationContext, GenerationTimings, Usage } from "../../../inference/engine.ts";

/** A judge's answer to one question. */
export interface JudgeAnswer {
  readonly text: string;
  /** Mean score over the probabilities of the score tokens; undefined where they are not known. */
  readonly expectedScore: number | undefined;
  readonly usage: Pick<Usage, "promptTokens" | "cachedPromptTokens" | "completionTokens">;
  readonly latencyMs: number;
  /** Parts of the latency, where the judge's own engine says. */
  readonly timings?: GenerationTimings;
}

export type JudgeContext = GenerationContext & Required<Pick<GenerationContext, "arrivedAt" | "signal">>;

/** For people to read in `/readyz`: what becomes of the next question. */
export interface JudgeStatus {
  readonly state: string;
  readonly message?: string;
}

/** Who judges: the served model, another local one, or one behind an OpenAI-compatible API. */
export interface JudgeModel {
  /** @throws UnavailableError while the model is not loaded */
  readonly name: string;
  /** Of the model's file; null behind an API, which does not tell. @throws UnavailableError while it is not loaded */
  readonly fingerprint: string | null;
  readonly status: JudgeStatus;
  /** False while it is loading or restarting, when a question could only fail. */
  readonly isReady: boolean;
  /**
   * Asks one question, to be answered in the judge's form.
   * @throws ApiError when it can't be asked or answered now; nothing is invented
   */
  ask(question: string, context: JudgeContext): Promise<JudgeAnswer>;
  close(timeoutMs: number): Promise<void>;
}
