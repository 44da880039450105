/** Who waits for a slice's turn, in order of asking. */
const waiting: Array<() => void> = [];

/**
 * Resolves when the next slice of long work on this thread may begin: one in a turn of the event loop, whoever's it is,
 * because slices of forty requests in one turn hold up all others like one slice that is forty times as long.
 */
export function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(begin);
  });
}

function begin(): void {
  const resolve = waiting.shift();
  if (waiting.length > 0) setImmediate(begin);
  resolve?.();
}
