import { untrack } from "svelte";

/**
 * Calls `task` at once and again `intervalMs` after each end, as long as the page is visible; a hidden page asks nothing,
 * and one that is shown again asks at once. Returns what ends it.
 */
export function poll(task: (signal: AbortSignal) => Promise<void>, intervalMs: number): () => void {
  const ended = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isRunning = false;
  const run = async () => {
    if (isRunning || document.hidden || ended.signal.aborted) return;
    clearTimeout(timer);
    isRunning = true;
    try {
      await task(ended.signal);
    } finally {
      isRunning = false;
      if (!ended.signal.aborted) timer = setTimeout(run, intervalMs);
    }
  };
  document.addEventListener("visibilitychange", run, { signal: ended.signal });
  // What the task reads is not what the effect that polls depends on: each answer would end the polling and begin it anew.
  void untrack(run);
  return () => {
    clearTimeout(timer);
    ended.abort();
  };
}
