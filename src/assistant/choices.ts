import type { RequestContext } from "../telemetry/request-context.ts";
import type { Assistant, PlannedTurn } from "./assistant.ts";
import type { TurnEvent } from "./turn.ts";

export interface ChoiceEvent {
  readonly choice: number;
  readonly event: TurnEvent;
}

/**
 * Generates `count` answers of one turn side by side, as many at once as the engine runs; they share the prompt's
 * prefill. When one fails, or the reader leaves, the others are cancelled.
 */
export async function* choices(
  assistant: Assistant,
  plan: PlannedTurn,
  count: number,
  context: RequestContext,
): AsyncIterable<ChoiceEvent> {
  if (count === 1) {
    for await (const event of assistant.answer(plan, 0, context)) yield { choice: 0, event };
    return;
  }
  const controller = new AbortController();
  const signal = AbortSignal.any([context.signal, controller.signal]);
  const sources = Array.from({ length: count }, (_, choice) =>
    assistant.answer(plan, choice, { ...context, signal }),
  );
  try {
    for await (const { index, value } of interleave(sources, assistant.answersAtOnce))
      yield { choice: index, event: value };
  } finally {
    controller.abort();
  }
}

/** The values of all sources as they come, each with the index of its source; `atOnce` sources run at a time. */
export async function* interleave<T>(
  sources: readonly AsyncIterable<T>[],
  atOnce: number,
): AsyncIterable<{ readonly index: number; readonly value: T }> {
  const waiting = sources.entries();
  const running = new Map<number, AsyncIterator<T>>();
  const steps = new Map<number, Promise<{ index: number; result: IteratorResult<T> | undefined }>>();
  const advance = async (index: number) => ({ index, result: await running.get(index)?.next() });
  const startNext = () => {
    const next = waiting.next();
    if (next.done) return;
    const [index, source] = next.value;
    running.set(index, source[Symbol.asyncIterator]());
    steps.set(index, advance(index));
  };
  for (let count = 0; count < atOnce; count++) startNext();
  try {
    while (steps.size > 0) {
      const { index, result } = await Promise.race(steps.values());
      if (result === undefined || result.done === true) {
        steps.delete(index);
        startNext();
      } else {
        steps.set(index, advance(index));
        yield { index, value: result.value };
      }
    }
  } finally {
    // Steps whose answer is no longer wanted may still fail.
    for (const pending of steps.values()) pending.catch(() => {});
  }
}
