/** Silence after which a stream says that it is alive: clients and proxies take much longer ones for dead connections. */
export const SILENCE_MS = 10_000;

/** The values of `source`, and what `signs` gives whenever none has come for `silenceMs`: the prompt is long, or the queue. */
export async function* withSigns<T>(
  source: AsyncIterable<T>,
  signs: () => Iterable<T>,
  silenceMs = SILENCE_MS,
): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next();
      while (!(await settlesWithin(next, silenceMs))) yield* signs();
      const { done, value } = await next;
      if (done === true) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: isSettled, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  const settle = () => resolve(true);
  promise.then(settle, settle);
  const settled = await isSettled;
  clearTimeout(timer);
  return settled;
}
