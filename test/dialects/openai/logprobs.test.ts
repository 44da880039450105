import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCompletion } from "../../../src/dialects/openai/chat/schema.ts";
import type { Completion } from "../../../src/dialects/openai/completions/schema.ts";
import { EngineModel } from "../../support/engine-model.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";
import { TEST_MODEL } from "../../support/model.ts";
import { type OpenAiServer, only, startOpenAiServer } from "../../support/openai-server.ts";
import { json } from "../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer();
});
after(() => started[Symbol.asyncDispose]());

const TOLERANCE = 1e-3;
const prompt = "Once upon a time, there was a little girl named Lily.";

/** Straight from the definition, in double precision. */
function logSoftmax(logits: Float32Array): number[] {
  const values = [...logits].map(Number);
  const max = Math.max(...values);
  const norm = Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0)) + max;
  return values.map((value) => value - norm);
}

test("scores equal the log-softmax of logits computed apart, for prompt and answer", async () => {
  const engine = new InProcessEngine();
  const [generated] = await engine.run([
    continuing(prompt, {
      maxTokens: 50,
      logprobs: 5,
      promptLogprobs: 2,
      sampling: { temperature: 0.9, seed: 3 },
    }),
  ]);
  assert.ok(generated !== undefined);
  const { promptTokens, tokens, usage } = generated;
  assert.equal(promptTokens.length, usage.promptTokens);
  assert.equal(tokens.length, usage.completionTokens);
  assert.equal(usage.cachedPromptTokens, 0);
  const all = [...promptTokens, ...tokens];
  const ids = all.map(({ token }) => token);
  const { isOn } = engine.core.description.flashAttention;
  const rows = new EngineModel(TEST_MODEL).logits(ids, "f16", promptTokens.length, isOn).map(logSoftmax);
  assert.equal(all[0]?.logprob, undefined);
  for (const [position, scored] of all.entries()) {
    if (position === 0) continue;
    const expected = rows[position - 1] ?? [];
    const at = `token ${position}`;
    assert.ok(Math.abs((scored.logprob ?? 0) - (expected[scored.token] ?? 0)) < TOLERANCE, at);
    const best = expected.toSorted((a, b) => b - a);
    for (const [rank, { token, logprob }] of scored.top.entries()) {
      assert.ok(Math.abs(logprob - (expected[token] ?? 0)) < TOLERANCE, at);
      assert.ok(Math.abs(logprob - (best[rank] ?? 0)) < TOLERANCE, `${at}, rank ${rank}`);
    }
  }
});

test("prompts longer than a step's rows of logits are scored whole, beside others", async () => {
  const long = prompt.repeat(6);
  const engine = new InProcessEngine({ sequences: 4 });
  const plain = continuing(prompt, { maxTokens: 30 });
  const [alone] = await engine.run([plain]);
  const scoring = continuing(long, { maxTokens: 0, promptLogprobs: 0 });
  const [first, second, other] = await engine.run([scoring, scoring, plain]);
  assert.ok(first !== undefined && first.promptTokens.length > 80);
  assert.equal(first.promptTokens.length, first.usage.promptTokens);
  assert.equal(first.usage.completionTokens, 0);
  // Two of them share the rows of a step unevenly, and quantized kernels of other shapes round otherwise.
  const differences = first.promptTokens.map(({ logprob = 0 }, index) =>
    Math.abs(logprob - (second?.promptTokens[index]?.logprob ?? 0)),
  );
  assert.ok(differences.reduce((sum, value) => sum + value, 0) / differences.length < 0.03);
  assert.equal(other?.text, alone?.text);
});

test("chat's tokens are the message's bytes, characters split across tokens included", async () => {
  const text = "日本 🎉 é";
  const answer = await json<ChatCompletion>(
    started.chat({ grammar: only(text), max_tokens: 64, logprobs: true, top_logprobs: 1 }),
  );
  const choice = answer.choices[0];
  assert.equal(choice?.message.content, text);
  const bytes = choice?.logprobs?.content.flatMap((token) => token.bytes) ?? [];
  assert.equal(Buffer.from(bytes).toString("utf8"), text);
  assert.equal(choice?.logprobs?.content.length, answer.usage.completion_tokens);
});

test("echo gives the prompt's own scores, and offsets that point into the text", async () => {
  const answer = await json<Completion>(started.complete({ prompt, echo: true, logprobs: 0, max_tokens: 4 }));
  const choice = answer.choices[0];
  const scores = choice?.logprobs;
  assert.ok(choice?.text.startsWith(prompt));
  assert.equal(scores?.tokens.length, answer.usage ? answer.usage.total_tokens : 0);
  assert.equal(scores?.token_logprobs[0], null);
  for (const [index, token] of (scores?.tokens ?? []).entries()) {
    const at = scores?.text_offset[index] ?? 0;
    // The tokenizer may put a blank before the text, which the text itself lacks.
    assert.ok(
      choice?.text.slice(at).startsWith(at === 0 ? token.trimStart() : token),
      `${index}: ${token} at ${at}`,
    );
  }
  const only = await json<Completion>(started.complete({ prompt, echo: true, logprobs: 1, max_tokens: 0 }));
  assert.equal(only.choices[0]?.text, prompt);
  assert.equal(only.usage?.completion_tokens, 0);
});

test("tokens inside a stop string are not shown", async () => {
  const answer = await json<ChatCompletion>(
    started.chat({ grammar: only("one two three four"), stop: "two three", max_tokens: 64, logprobs: true }),
  );
  assert.equal(answer.choices[0]?.message.content, "one ");
  const shown = (answer.choices[0]?.logprobs?.content ?? []).map(({ token }) => token).join("");
  assert.ok(!shown.includes("two"), shown);
});
