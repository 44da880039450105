import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ChatResponse } from "../../../src/features/chat/schema.ts";
import { hasStories } from "../../support/model.ts";
import { json, metric, startServer, type TestServer, until } from "../../support/server.ts";

/**
 * Text that the model is sure of: a batch of another shape rounds otherwise, which must not decide between two tokens
 * that are as good as equally likely.
 */
const { shared, endings, raw } = hasStories
  ? {
      raw: true,
      shared:
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ".repeat(
          3,
        ),
      endings: [
        "One day, she",
        "Her mom said",
        "The dog",
        "She saw a big",
        "It was",
        "Tom",
        "They",
        "Lily and Tom",
      ],
    }
  : {
      raw: false,
      shared: `${"Context: The Marlin printer was built in Oslo. It has a warranty of 24 months. The manual is green. ".repeat(4)}Question: `,
      endings: [
        "What is a token?",
        "What is a KV cache?",
        "What is attention?",
        "What colour is the manual?",
        "What is the warranty?",
        "What is a transformer?",
        "What is a language model?",
        "What is a neural network?",
      ],
    };
const body = (ending: string) => ({ prompt: shared + ending, raw, temperature: 0, max_new_tokens: 40 });

let server: TestServer;
let alone: Map<string, ChatResponse>;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "6" } });
  alone = new Map();
  // Computed from nothing, in steps of its own.
  for (const ending of endings) {
    const request = { ...body(ending), reproducible: true };
    alone.set(ending, await json<ChatResponse>(server.post("/chat", request)));
  }
});
after(() => server[Symbol.asyncDispose]());

test("sharing a prefix among running and finished sequences changes no greedy text", async () => {
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(
      endings.map((ending) => json<ChatResponse>(server.post("/chat", body(ending)))),
    );
    for (const [index, answer] of answers.entries()) {
      const expected = alone.get(endings[index] ?? "");
      assert.equal(answer.response, expected?.response);
      assert.equal(answer.prompt_tokens, expected?.prompt_tokens);
    }
  }
});

test("requests that arrive together compute their common prefix once", async () => {
  await using fresh = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "8" } });
  const answers = await Promise.all(
    endings.map((ending) => json<ChatResponse>(fresh.post("/chat", body(ending)))),
  );
  const computed = answers.map(
    ({ prompt_tokens, cached_prompt_tokens }) => prompt_tokens - cached_prompt_tokens,
  );
  const whole = computed.filter((tokens, index) => tokens === answers[index]?.prompt_tokens);
  assert.equal(whole.length, 1, `computed ${computed}`);
  const cached = answers.reduce((sum, answer) => sum + answer.cached_prompt_tokens, 0);
  assert.equal(await metric(fresh, "inference_prefix_cache_hit_tokens_total"), cached);
});

test("a pinned prefix is computed once, kept on disk, and taken from there at the next start", async () => {
  await using plain = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "1" } });
  const dataDir = join(plain.directory, "pinned");
  const file = join(plain.directory, "prefixes.json");
  writeFileSync(file, JSON.stringify([{ text: shared }]));
  const env = {
    PINNED_PREFIXES: file,
    DATA_DIR: dataDir,
    CONTEXT_SIZE: "512",
    MAX_SEQUENCES: "4",
    LOG_LEVEL: "debug",
  };
  const saved = () => {
    try {
      return readdirSync(join(dataDir, "prefixes")).filter((name) => name.endsWith(".kv"));
    } catch {
      return [];
    }
  };
  for (const [start, expected] of ["is being computed", "restored from"].entries()) {
    await using pinned = await startServer({ env });
    await until(() => pinned.log.some(({ msg }) => msg.includes(expected)));
    await until(() => saved().length === 1);
    // More requests than sequences, so that anything not pinned is overwritten.
    for (const prompt of ["a", "b", "c", "d", "e"])
      await pinned.post("/chat", { prompt, raw: true, max_new_tokens: 4 });
    const request = { ...body(endings[start] ?? ""), raw: true, max_new_tokens: 8 };
    const answer = await json<ChatResponse>(pinned.post("/chat", request));
    assert.equal(answer.response, (await json<ChatResponse>(plain.post("/chat", request))).response);
    assert.ok(answer.cached_prompt_tokens > 60, `cached ${answer.cached_prompt_tokens}`);
  }
});
