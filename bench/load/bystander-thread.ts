import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

export interface BystanderOptions {
  readonly url: string;
  readonly apiKey: string;
}

export interface BystanderReport {
  /** Of `/healthz`, each asked for a moment after the last; an answer that never came counts until the end. */
  readonly probesMs: readonly number[];
  /** Between pieces of a stream. */
  readonly gapsMs: readonly number[];
  /** Streams that ended otherwise than whole, and why. */
  readonly failures: readonly string[];
}

const PROBE_PAUSE_MS = 50;
const STREAM_TOKENS = 400;

const { url, apiKey } = workerData as BystanderOptions;
const probesMs: number[] = [];
const gapsMs: number[] = [];
const failures: string[] = [];
let isOver = false;

async function probe(): Promise<void> {
  while (!isOver) {
    const startedAt = performance.now();
    const status = await fetch(`${url}/healthz`).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      (error: Error) => error.message,
    );
    probesMs.push(performance.now() - startedAt);
    if (status !== 200) failures.push(`/healthz: ${status}`);
    await delay(PROBE_PAUSE_MS);
  }
}

async function stream(onFirst: () => void): Promise<void> {
  while (!isOver) {
    const response = await fetch(`${url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": apiKey },
      body: JSON.stringify({ prompt: "The sea", max_tokens: STREAM_TOKENS, temperature: 0, stream: true }),
    });
    if (!response.ok || response.body === null) {
      failures.push(`stream: ${response.status} ${(await response.text()).slice(0, 200)}`);
      await delay(PROBE_PAUSE_MS);
      continue;
    }
    let last: number | undefined;
    let tail = "";
    for await (const piece of response.body) {
      const now = performance.now();
      if (last !== undefined) gapsMs.push(now - last);
      last = now;
      tail = (tail + Buffer.from(piece).toString("utf8")).slice(-2000);
      onFirst();
      if (isOver) break;
    }
    if (!isOver && !tail.includes("[DONE]")) failures.push(`stream: ${tail.slice(-300)}`);
  }
}

const port = parentPort;
if (port === null) throw new Error("this is a thread's module");
let isFirst = true;
const running = [
  probe(),
  stream(() => {
    if (isFirst) port.postMessage("ready");
    isFirst = false;
  }),
];
port.once("message", async () => {
  isOver = true;
  await Promise.race([Promise.all(running), delay(60_000)]);
  port.postMessage({ probesMs, gapsMs, failures } satisfies BystanderReport);
});
