import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { CacheOfModel } from "../../../src/instruments/cache-view.ts";
import type { ContextReceipt } from "../../../src/telemetry/context-receipt.ts";
import { assertError } from "../../support/envelope.ts";
import { BUILTIN } from "../../support/model.ts";
import { json, KEY, startServer, type TestServer } from "../../support/server.ts";

const CANARY = "zebracanary";

let server: TestServer;
before(async () => {
  server = await startServer({
    env: { MODEL_NAME: BUILTIN, MAX_SEQUENCES: "3", KV_HOST_MEMORY: "0", KV_DISK: "0" },
  });
});
after(() => server[Symbol.asyncDispose]());

const receiptOf = (id: string) => json<ContextReceipt>(server.get(`/v1/requests/${id}/context`));
const system = `You are a careful librarian of the ${CANARY}. `.repeat(6);

interface Answer {
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
  readonly context_receipt?: ContextReceipt;
}

async function ask(id: string, messages: readonly object[], rest: object = {}): Promise<Answer> {
  const body = { messages, max_tokens: 8, temperature: 0, ...rest };
  return json<Answer>(server.post("/v1/chat/completions", body, { ...KEY, "x-request-id": id }));
}

test("a receipt has every token of the prompt once, by message, and says what the cache had and why it stopped", async () => {
  const talk = [
    { role: "system", content: system },
    { role: "user", content: "Who are you?" },
  ];
  const first = await ask("first", talk);
  const second = await ask("second", [
    { role: "system", content: system },
    { role: "user", content: "When do you open on Mondays?" },
  ]);
  for (const [id, answer] of [
    ["first", first],
    ["second", second],
  ] as const) {
    const { window, prompts } = await receiptOf(id);
    const [prompt = assert.fail("no prompt")] = prompts;
    assert.ok(window !== null && window >= answer.usage.prompt_tokens);
    assert.equal(prompt.prompt_tokens, answer.usage.prompt_tokens);
    assert.equal(prompt.completion_tokens, answer.usage.completion_tokens);
    const sum = (of: "tokens" | "cached") => prompt.parts.reduce((total, part) => total + part[of], 0);
    assert.equal(sum("tokens"), prompt.prompt_tokens);
    assert.equal(sum("cached"), prompt.cache.tokens);
    assert.deepEqual(
      prompt.parts.flatMap(({ role }) => role ?? []),
      ["system", "user"],
    );
    const [spoken] = prompt.parts.filter(({ role }) => role === "system");
    assert.ok((spoken?.tokens ?? 0) > 30);
  }
  const [cold] = (await receiptOf("first")).prompts;
  assert.equal(cold?.cache.stopped_at.why, "nothing_known");
  const [warm] = (await receiptOf("second")).prompts;
  assert.equal(warm?.cache.from_request_id, "first");
  assert.equal(warm?.cache.stopped_at.why, "text_differs");
  assert.equal(warm?.cache.best_possible, warm?.cache.tokens);
  assert.equal(warm?.parts[warm.cache.stopped_at.part ?? -1]?.role, "user");
  assert.ok((warm?.cache.saved_ms ?? 0) > 0);
});

test("the receipt comes with the answer where it is asked for, on routes of every shape", async () => {
  const messages = [{ role: "user", content: "Hello there" }];
  const include = ["context_receipt"];
  const chat = await ask("included", messages, { include });
  assert.deepEqual(chat.context_receipt?.prompts, (await receiptOf("included")).prompts);
  for (const [path, body] of [
    ["/v1/completions", { prompt: "Hello there", max_tokens: 2, include }],
    ["/chat", { prompt: "Hello there", max_new_tokens: 2, include }],
    ["/v1/messages", { messages, max_tokens: 2, include }],
    ["/v1/responses", { input: "Hello there", max_output_tokens: 16, include }],
  ] as const) {
    const { context_receipt: receipt } = await json<Answer>(server.post(path, body));
    assert.ok((receipt?.prompts[0]?.prompt_tokens ?? 0) > 0, path);
  }
});

test("scored prompts and evicted ones are told with their reasons", async () => {
  const scored = { prompt: "A bird sings in the tree", max_tokens: 1, echo: true, logprobs: 1 };
  await server.post("/v1/completions", scored, { ...KEY, "x-request-id": "scored" });
  const [prompt] = (await receiptOf("scored")).prompts;
  assert.equal(prompt?.cache.stopped_at.why, "prompt_scored");
  const long = (name: string) => `${name} ${"goes on and on about it ".repeat(12)}`;
  for (const name of ["Anna", "Bert", "Cora", "Dora", "Anna"])
    await server.post(
      "/v1/completions",
      { prompt: long(name), max_tokens: 1 },
      { ...KEY, "x-request-id": name },
    );
  const [anna] = (await receiptOf("Anna")).prompts;
  assert.equal(anna?.cache.stopped_at.why, "evicted");
  assert.ok((anna?.cache.best_possible ?? 0) > (anna?.cache.tokens ?? 0));
  assert.match(anna?.cache.advice ?? "", /MAX_SEQUENCES/);
});

test("the cache shows its sequences, the tree of what they hold, other sizes and what gave way", async () => {
  const answer = await server.get("/v1/cache");
  const text = await answer.text();
  assert.equal(text.includes(CANARY), false);
  const { models } = JSON.parse(text) as { models: readonly CacheOfModel[] };
  const [cache = assert.fail("no model")] = models;
  assert.equal(cache.sequences.length, 3);
  assert.equal(cache.capacity_tokens, 3 * cache.context_per_sequence);
  for (const { tokens, prefix, state } of cache.sequences) {
    assert.equal(state, tokens > 0 ? "reusable" : "free");
    const last = prefix === null ? undefined : cache.prefixes[prefix];
    assert.equal((last?.start ?? 0) + (last?.tokens ?? 0), tokens);
  }
  const shares = cache.sizes.map(({ hit_share }) => hit_share);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  assert.ok(cache.prompts.cached_tokens > 0 && cache.ms_per_prompt_token > 0);
  const regretted = cache.evictions.filter(({ wanted_tokens }) => wanted_tokens > 0);
  assert.ok(regretted.length > 0);
  assert.ok(cache.evictions.every(({ saved }) => !saved));
});

test("receipts of requests that are not kept are not found", async () => {
  await assertError(await server.get("/v1/requests/none/context"), { status: 404, code: "not_found" });
});
