import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { haltedEngine } from "../../support/halted-engine.ts";
import { skipWithoutProc } from "../../support/processes.ts";
import { metric, readEvents, startServer, type TestServer, until } from "../../support/server.ts";

interface Progress {
  readonly queue_progress?: { readonly ahead: number; readonly expected_ms: number | null };
  readonly prompt_progress?: {
    readonly total: number;
    readonly cache: number;
    readonly processed: number;
    readonly time_ms: number;
  };
}
interface Chunk extends Progress {
  readonly choices: ReadonlyArray<{ readonly text?: string; readonly delta?: { readonly content?: string } }>;
}

let server: TestServer;
before(async () => {
  // Steps of few tokens: a prompt takes several.
  server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "1", BATCH_SIZE: "32" } });
});
after(() => server[Symbol.asyncDispose]());

async function stream(path: string, body: object): Promise<readonly Chunk[]> {
  const response = await server.post(path, { ...body, stream: true });
  assert.equal(response.status, 200);
  const chunks: Chunk[] = [];
  for await (const event of readEvents(response))
    if (event !== "[DONE]") chunks.push(JSON.parse(event) as Chunk);
  return chunks;
}

const textOf = ({ choices: [choice] }: Chunk) => choice?.text ?? choice?.delta?.content ?? "";

test("the prompt's progress goes from what was cached to all of it, before the first text", async () => {
  const text = Array.from({ length: 20 }, (_, i) => `item ${i} is a bird`).join(", ");
  for (const [path, body] of [
    ["/v1/completions", { prompt: text, max_tokens: 4 }],
    ["/v1/chat/completions", { messages: [{ role: "user", content: `Again: ${text}` }], max_tokens: 4 }],
  ] as const) {
    const chunks = await stream(path, { ...body, return_progress: true });
    const first = chunks.findIndex((chunk) => textOf(chunk) !== "");
    const told = chunks.flatMap(({ prompt_progress: progress }) => progress ?? []);
    assert.ok(told.length >= 1);
    const [{ total, cache } = assert.fail("nothing was reported")] = told;
    // A slow reader misses what came before.
    assert.ok((told[0]?.processed ?? 0) >= cache);
    assert.equal(told.at(-1)?.processed, total);
    for (const [index, now] of told.entries()) {
      const earlier = told[index - 1] ?? now;
      assert.deepEqual([now.total, now.cache], [total, cache]);
      assert.ok(now.processed >= earlier.processed && now.time_ms >= earlier.time_ms);
    }
    const after = chunks.slice(first).filter((chunk) => chunk.prompt_progress ?? chunk.queue_progress);
    assert.deepEqual(after, []);
  }
});

const options = { skip: skipWithoutProc };
test("a request that waits is told its place as it moves up, and how long it may take", options, async () => {
  const body = { prompt: "Once", max_tokens: 480, grammar: "root ::= [a-z ]{900}" };
  const { engine, running } = await haltedEngine(server, () => stream("/v1/completions", body));
  const waiting = [];
  for (const name of ["one", "two", "three"]) {
    const depth = await metric(server, "inference_queue_depth");
    waiting.push(stream("/v1/completions", { prompt: name, max_tokens: 2, return_progress: true }));
    await until(async () => (await metric(server, "inference_queue_depth")) > depth);
  }
  process.kill(engine, "SIGCONT");
  const places = (await Promise.all(waiting)).map((chunks) =>
    chunks.flatMap(({ queue_progress: progress }) => progress ?? []),
  );
  await running;
  // What a reader missed is left out.
  for (const [index, told] of places.entries()) {
    const ahead = told.map((place) => place.ahead);
    assert.equal(ahead[0], index);
    assert.deepEqual(
      ahead,
      [...new Set(ahead)].toSorted((a, b) => b - a),
    );
  }
  for (const { expected_ms } of places.flat()) assert.ok(expected_ms === null || expected_ms > 0);
});

test("streams that did not ask are told nothing", async () => {
  const chunks = await stream("/v1/completions", { prompt: "Once upon", max_tokens: 3 });
  assert.ok(chunks.length > 0);
  for (const chunk of chunks) {
    assert.equal(chunk.prompt_progress, undefined);
    assert.equal(chunk.queue_progress, undefined);
  }
});
