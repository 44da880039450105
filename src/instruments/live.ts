import { setTimeout as delay } from "node:timers/promises";

/** Something that changes. */
export interface LiveSource {
  /** Another value than before where it has changed. */
  readonly version: () => unknown;
  /** What it is now. */
  readonly read: () => object | Promise<object>;
}

export interface Change {
  readonly topic: string;
  readonly data: object;
}

/**
 * What the sources are, and then whatever has changed, looked at every `intervalMs`: changes in between are told once, and
 * none while the reader is behind. Ends when `signal` aborts.
 */
export async function* changes(
  sources: ReadonlyMap<string, LiveSource>,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Change> {
  const told = new Map<string, unknown>();
  while (!signal.aborted) {
    for (const [topic, { version, read }] of sources) {
      const current = version();
      if (told.has(topic) && told.get(topic) === current) continue;
      told.set(topic, current);
      yield { topic, data: await read() };
    }
    await delay(intervalMs, undefined, { signal }).catch(() => {});
  }
}
