import type { FinishReason } from "../engine.ts";
import type { SequenceOutput } from "./report.ts";
import type { Sequence } from "./sequence.ts";

/** Collects what a step has to report; `take()` hands it over once. */
export class Emission {
  #outputs: SequenceOutput[] = [];

  get isEmpty(): boolean {
    return this.#outputs.length === 0;
  }

  /** The prompt is computed, and its tokens were scored where that was asked for. */
  prompt({ id, promptScores }: Sequence): void {
    if (promptScores !== undefined) this.#outputs.push({ id, text: "", promptTokens: promptScores.all });
  }

  text({ id, scores }: Sequence, text: string): void {
    if (text === "") return;
    const tokens = scores?.release(text);
    this.#outputs.push({ id, text, ...(tokens !== undefined && { tokens }) });
  }

  /** The end of a sequence, with its last text. */
  end(sequence: Sequence, finishReason: FinishReason, text: string, now: number): void {
    const { stopText, stopped } = sequence.text;
    const done = {
      finishReason,
      ...(stopText !== undefined && { stopText }),
      usage: sequence.usage,
      timings: sequence.timings(now),
    };
    const tokens = sequence.scores?.end(text, stopped);
    this.#outputs.push({ id: sequence.id, text, done, ...(tokens !== undefined && { tokens }) });
  }

  failure({ id }: Sequence, error: unknown): void {
    this.#outputs.push({ id, text: "", error });
  }

  take(): { readonly outputs: readonly SequenceOutput[] } {
    const taken = { outputs: this.#outputs };
    this.#outputs = [];
    return taken;
  }
}
