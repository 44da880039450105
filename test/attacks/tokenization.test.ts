import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { editGguf } from "../support/edited-gguf.ts";
import { BUILTIN } from "../support/model.ts";
import { json, metric, startServer } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

// llama.cpp gives the text of this pre-tokenizer to std::regex, which recurses once per character.
test("long runs of letters, spaces or signs are tokenized, and no engine dies of them", async (t) => {
  const directory = await temporaryDirectory(t);
  const model = await editGguf(BUILTIN, join(directory, "tekken.gguf"), {
    "tokenizer.ggml.pre": { type: "string", value: "tekken" },
    "llama.context_length": { type: "uint32", value: 32_768 },
  });
  await using server = await startServer({
    env: { MODEL_NAME: model, MAX_SEQUENCES: "2", KV_CACHE_MEMORY: "256MiB" },
  });
  for (const unit of ["A", " ", "!", "漢", "aA1!"]) {
    const text = unit.repeat(60_000 / unit.length);
    const tokenized = await server.post("/v1/tokenize", { prompt: text });
    assert.equal(tokenized.status, 200, unit);
    const { tokens, ...rest } = await json<{ tokens: number[] }>(tokenized);
    assert.deepEqual(rest, { count: tokens.length, max_model_len: 32_768 });
    const back = await json<{ prompt: string }>(server.post("/v1/detokenize", { tokens }));
    assert.equal(back.prompt, text);
  }
  const answer = await server.post("/chat", { prompt: "A".repeat(40_000), max_new_tokens: 1, raw: true }, {});
  assert.ok(answer.status === 200 || answer.status === 400, String(answer.status));
  assert.equal(await metric(server, "engine_restarts_total"), 0);
});
