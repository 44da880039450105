import { failureOf, send, Unreachable } from "./client.ts";
import { readEvents } from "./events.ts";

export type Topic = "server" | "metrics" | "running" | "requests" | "steps" | "cache" | "records";

export interface Follower {
  readonly topic: Topic;
  /** How often changes are to be told at most. */
  readonly intervalMs: number;
  /** Takes what the event has, the first at once; false where that failed, and it is called again after a pause. */
  take(data: unknown): boolean | Promise<boolean>;
  /** The stream could not be had; it is asked for again. */
  failed?(error: unknown): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
const RETRY_MS = 2_000;
const RECORDS_INTERVAL_MS = 1_000;

/**
 * The one stream of `/v1/live` that all pages share. It has the topics that someone follows now, ends while the tab is
 * hidden, and is taken up again after each restart of the server: its first events say where things are.
 */
class LiveStream {
  readonly #followers = new Set<Follower>();
  /** What each topic of the stream that runs had last. */
  readonly #last = new Map<string, unknown>();
  /** What the stream that runs was asked for. */
  #address = "";
  #run = new AbortController();
  /** What followers have still to take. */
  readonly #untaken = new Map<Follower, unknown>();
  readonly #taking = new Set<Follower>();
  #isOpen = $state(false);

  constructor() {
    document.addEventListener("visibilitychange", () => this.#renew());
  }

  /** Whether events can come now. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Returns what ends it. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    queueMicrotask(() => {
      this.#renew();
      // A topic that was followed before is not told again by the server.
      if (this.#last.has(follower.topic)) this.#offer(follower, this.#last.get(follower.topic));
    });
    return () => {
      this.#followers.delete(follower);
      // One page's end and the next one's beginning make one change.
      queueMicrotask(() => this.#renew());
    };
  }

  #renew(): void {
    const address = document.hidden ? "" : this.#wanted();
    if (address === this.#address) return;
    this.#address = address;
    this.#run.abort();
    this.#last.clear();
    this.#run = new AbortController();
    if (address === "") this.#isOpen = false;
    else void this.#read(address, this.#run.signal);
  }

  #wanted(): string {
    const topics = [...new Set([...this.#followers].map(({ topic }) => topic))].toSorted();
    if (topics.length === 0) return "";
    const interval = Math.min(...[...this.#followers].map(({ intervalMs }) => intervalMs));
    return `/v1/live?${new URLSearchParams({ topics: topics.join(","), interval_ms: String(interval) })}`;
  }

  async #read(address: string, signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        for await (const { event, data } of readEvents(await send(address, { signal }))) {
          this.#isOpen = true;
          pauseMs = FIRST_PAUSE_MS;
          this.#deliver(event, JSON.parse(data));
        }
      } catch (thrown) {
        if (signal.aborted) return;
        const error = failureOf(
          thrown instanceof TypeError
            ? new Unreachable("The server does not answer.", { cause: thrown })
            : thrown,
        );
        for (const follower of this.#followers) follower.failed?.(error);
      }
      if (signal.aborted) return;
      this.#isOpen = false;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
    }
  }

  #deliver(topic: string, data: unknown): void {
    this.#last.set(topic, data);
    for (const follower of this.#followers) if (follower.topic === topic) this.#offer(follower, data);
  }

  #offer(follower: Follower, data: unknown): void {
    const isBusy = this.#taking.has(follower);
    this.#untaken.set(follower, data);
    if (!isBusy) void this.#give(follower);
  }

  /** One after another, and of what came meanwhile the latest. */
  async #give(follower: Follower): Promise<void> {
    this.#taking.add(follower);
    while (this.#untaken.has(follower) && this.#followers.has(follower)) {
      const data = this.#untaken.get(follower);
      this.#untaken.delete(follower);
      if (await follower.take(data)) continue;
      if (!this.#untaken.has(follower)) this.#untaken.set(follower, data);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    this.#untaken.delete(follower);
    this.#taking.delete(follower);
  }
}

export const stream = new LiveStream();

/**
 * Has `load` read what the server stores, at once and whenever that may have changed, until the function that it returns is
 * called. `load` says whether it could read, and is called
 * again after a pause where not; `failed` is told of a stream that ended.
 */
export function followRecords(
  load: (signal: AbortSignal) => Promise<boolean>,
  failed: (error: unknown) => void,
): () => void {
  const ended = new AbortController();
  const unfollow = stream.follow({
    topic: "records",
    intervalMs: RECORDS_INTERVAL_MS,
    // What was left meanwhile is not to be read again.
    take: async () => (await load(ended.signal)) || ended.signal.aborted,
    failed,
  });
  return () => {
    unfollow();
    ended.abort();
  };
}
