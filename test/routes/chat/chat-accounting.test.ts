import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chat, greedy, streamedChat } from "../../support/chat.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";
import { countPromptTokens, testModel } from "../../support/tokenizer.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512" } });
});
after(() => server[Symbol.asyncDispose]());

// That every field is there, and no other, is checked of every answer in tests (`support/answer-schemas.ts`).
test("a single answer says that it was not refined", async () => {
  const answer = await chat(server, greedy);
  assert.equal(answer.model_type, "decoder-only");
  assert.equal(answer.attention_masking, "causal");
  assert.equal(answer.refined, false);
  assert.equal(answer.original_response, null);
  assert.equal(answer.critique, null);
  assert.equal(answer.refine_steps_used, 0);
});

test("the model's facts in an answer are the model's own", async () => {
  const answer = await chat(server, greedy);
  const model = testModel();
  assert.equal(answer.attention_heads, model.heads);
  assert.equal(answer.hidden_size, model.hiddenSize);
  assert.equal(answer.context_window, 512);
  const facts = await json<Record<string, unknown>>(server.get("/model"));
  assert.equal(facts["model_name"], answer.model);
  assert.equal(facts["attention_heads"], model.heads);
  assert.equal(facts["hidden_size"], model.hiddenSize);
  assert.equal(facts["layers"], model.layers);
  assert.equal(facts["kv_heads"], model.kvHeads);
  assert.equal(facts["vocab_size"], model.vocabulary.size);
  assert.equal(facts["parameters"], model.parameters);
  assert.equal(facts["architecture"], model.architecture);
});

for (const prompt of [
  "Once upon a time",
  "a",
  "caf\u00e9 \u{1F600} \u4f60\u597d",
  "  two  spaces ",
  "<s>x</s>",
]) {
  test(`the counts and ratios of ${JSON.stringify(prompt)} follow from the tokenizer's counts`, async () => {
    const answer = await chat(server, { ...greedy, prompt, max_new_tokens: 9 });
    assert.equal(answer.prompt_tokens, countPromptTokens(prompt));
    assert.ok(answer.completion_tokens <= 9);
    const total = answer.prompt_tokens + answer.completion_tokens;
    assert.equal(answer.total_tokens, total);
    assert.equal(answer.estimated_attention_ops, total ** 2);
    assert.equal(answer.context_used_pct, Number(((100 * total) / 512).toFixed(4)));
    const ratio = answer.completion_tokens / Math.max(answer.prompt_tokens, 1);
    assert.equal(answer.output_to_input_ratio, Number(ratio.toFixed(4)));
  });
}

test("the completion's count is that of its tokens", async () => {
  const answer = await chat(server, { ...greedy, max_new_tokens: 40 });
  const { vocabulary } = testModel();
  const again = vocabulary.tokenize(greedy.prompt + answer.response, {
    addSpecial: true,
    parseSpecial: false,
  });
  assert.equal(answer.total_tokens, again.length);
});

test("the parts of the time add up to the latency", async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => chat(server, greedy)));
  answers.push((await streamedChat(server, greedy)).answer);
  for (const { latency_ms, timings } of answers) {
    const sum = timings.queue_ms + timings.prefill_ms + timings.decode_ms;
    // Each part is rounded to a tenth, the sum to a whole.
    assert.ok(Math.abs(latency_ms - sum) <= 0.65 + 1e-9, `${latency_ms} ${JSON.stringify(timings)}`);
    const first = timings.queue_ms + timings.prefill_ms;
    assert.ok(Math.abs(timings.time_to_first_token_ms - first) <= 0.15 + 1e-9, JSON.stringify(timings));
    for (const part of Object.values(timings)) assert.ok(part >= 0);
  }
});

test("a prompt asked again is taken from the cache, all but its last token", async () => {
  const prompt = "The quick brown fox wanted to find a warm place to sleep before the night came.";
  const first = await chat(server, { ...greedy, prompt });
  const second = await chat(server, { ...greedy, prompt });
  assert.equal(second.cached_prompt_tokens, first.prompt_tokens - 1);
  assert.equal(second.response, first.response);
  assert.equal(second.prompt_tokens, first.prompt_tokens);
});
