import type { Assistant, PlannedTurn } from "./assistant.ts";
import type { TurnEvent, TurnOptions } from "./turn.ts";

export interface ChoiceEvent {
  readonly choice: number;
  readonly event: TurnEvent;
}

/**
 * Generates `count` answers of one turn side by side; they share the prompt's prefill. When one fails, or the reader
 * leaves, the others are cancelled.
 */
export async function* choices(
  assistant: Assistant,
  plan: PlannedTurn,
  count: number,
  options: TurnOptions,
): AsyncIterable<ChoiceEvent> {
  if (count === 1) {
    for await (const event of assistant.answer(plan, 0, options)) yield { choice: 0, event };
    return;
  }
  const controller = new AbortController();
  const signal = AbortSignal.any([options.signal, controller.signal]);
  const sources = Array.from({ length: count }, (_, choice) =>
    assistant.answer(plan, choice, { ...options, signal }),
  );
  try {
    for await (const { index, value } of interleave(sources)) yield { choice: index, event: value };
  } finally {
    controller.abort();
  }
}

/** The values of all sources as they come, each with the index of its source. */
export async function* interleave<T>(
  sources: readonly AsyncIterable<T>[],
): AsyncIterable<{ readonly index: number; readonly value: T }> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const step = async (index: number) => ({ index, result: await iterators[index]?.next() });
  const steps = new Map(iterators.map((_, index) => [index, step(index)]));
  try {
    while (steps.size > 0) {
      const { index, result } = await Promise.race(steps.values());
      if (result === undefined || result.done === true) steps.delete(index);
      else {
        steps.set(index, step(index));
        yield { index, value: result.value };
      }
    }
  } finally {
    // Steps that nobody waits for any more may still fail.
    for (const pending of steps.values()) pending.catch(() => {});
  }
}
