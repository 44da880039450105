import { SeededRandom } from "../../features/evaluation/statistics/random.ts";
import type { Engine } from "../../inference/engine.ts";

/** No further batch is begun after this. */
const BUDGET_MS = 10_000;
const NEW_TOKENS = 24;
const PROMPT_TOKENS = 48;

/** Has the engine run steps of many shapes, from which their costs can be told apart; what is generated is dropped. */
export async function calibrate(engine: Engine, signal: AbortSignal): Promise<void> {
  const { sequences, contextWindow, vocabularySize } = engine.describe();
  const random = new SeededRandom(1);
  const endsAt = performance.now() + BUDGET_MS;
  const answer = async (promptTokens: number, maxTokens: number) => {
    const length = Math.max(1, Math.min(promptTokens, contextWindow - maxTokens));
    const tokens = Array.from({ length }, () => random.integer(vocabularySize));
    const request = {
      prompt: { parts: [{ type: "tokens" as const, tokens }], addBos: true },
      maxTokens,
      endsAtWindow: true as const,
      sampling: { temperature: 1, seed: random.integer(2 ** 32) },
      stop: [],
    };
    for await (const _event of engine.generate(request, { signal })) signal.throwIfAborted();
  };
  for (let beside = 1; beside <= sequences && performance.now() < endsAt; beside *= 2) {
    const lengths = Array.from({ length: beside }, (_, index) => PROMPT_TOKENS * (1 + (index % 4)));
    await Promise.all(lengths.map((length) => answer(length, NEW_TOKENS)));
    if (performance.now() < endsAt) await answer(Math.floor((contextWindow * 3) / 4), 2);
  }
}
