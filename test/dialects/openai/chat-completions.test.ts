import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCompletion, ChatCompletionChunk } from "../../../src/dialects/openai/chat/schema.ts";
import type { Completion } from "../../../src/dialects/openai/completions/schema.ts";
import { type OpenAiServer, only, startOpenAiServer } from "../../support/openai-server.ts";
import { json, metric, readEvents } from "../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_ALIASES: "gpt-4o-mini=stories260K,gpt-4o=nothing" } });
});
after(() => started[Symbol.asyncDispose]());

const whole = (fields: object) => json<ChatCompletion>(started.chat(fields));

async function streamed(fields: object): Promise<string[]> {
  const texts: string[] = [];
  for await (const event of readEvents(await started.chat({ ...fields, stream: true }))) {
    if (event === "[DONE]") break;
    for (const { index, delta } of (JSON.parse(event) as ChatCompletionChunk).choices)
      texts[index] = (texts[index] ?? "") + (delta.content ?? "");
  }
  return texts;
}

const texts = ["🎉🎊👩‍👩‍👧 emoji", "日本語と中文和한국어", "naïve ĉu ẞ", 'mixed 🚀 漢字 a\nb\t"c" \\d'];
for (const text of texts) {
  test(`deltas add up to ${JSON.stringify(text)}`, async () => {
    const fields = { grammar: only(text), max_tokens: 128 };
    assert.equal((await whole(fields)).choices[0]?.message.content, text);
    assert.deepEqual(await streamed(fields), [text]);
  });
}

test("a cut in the middle of a character ends in U+FFFD, streamed and whole alike", async () => {
  for (let tokens = 1; tokens < 6; tokens++) {
    const fields = { grammar: only("🎉🎉"), max_tokens: tokens };
    assert.deepEqual(await streamed(fields), [(await whole(fields)).choices[0]?.message.content]);
  }
});

for (const [text, stop, left] of [
  ["one two three", "two", "one "],
  ["abcabcabd", "abcabd", "abc"],
  ["a 日本語 b", "本語", "a 日"],
  ["party 🎉🎊 over", "🎊", "party 🎉"],
  ["never", "nevermore", "never"],
  ["first second", ["second", "irst"], "f"],
] as const) {
  test(`stop ${JSON.stringify(stop)} leaks nothing of ${JSON.stringify(text)}`, async () => {
    const fields = { grammar: only(text), stop, max_tokens: 128 };
    assert.equal((await whole(fields)).choices[0]?.message.content, left);
    assert.deepEqual(await streamed(fields), [left]);
  });
}

test("the same seed gives the same text, another seed another", async () => {
  const text = async (seed: number) =>
    (await whole({ seed, temperature: 1, max_tokens: 40 })).choices[0]?.message.content;
  assert.equal(await text(7), await text(7));
  assert.notEqual(await text(7), await text(8));
});

test("n answers differ, come by index, and share one prefill", async () => {
  const content = "Once upon a time there was a big dog. ".repeat(12);
  const before = await metric(started.server, "inference_prefix_cache_hit_tokens_total");
  const answer = await whole({ n: 4, temperature: 1, seed: 1, messages: [{ role: "user", content }] });
  const hits = (await metric(started.server, "inference_prefix_cache_hit_tokens_total")) - before;
  const prompt = answer.usage.prompt_tokens;
  assert.ok(prompt > 64);
  // Three of the four took all but the last token from the first.
  assert.ok(hits >= 3 * (prompt - 1), `${hits} of ${prompt}`);
  assert.deepEqual(
    answer.choices.map(({ index }) => index),
    [0, 1, 2, 3],
  );
  assert.equal(new Set(answer.choices.map(({ message }) => message.content)).size, 4);
  assert.ok(answer.usage.completion_tokens > 4 && answer.usage.completion_tokens <= 4 * 24);
  const again = await streamed({ n: 4, temperature: 1, messages: [{ role: "user", content }] });
  assert.equal(again.filter((text) => text !== "").length, 4);
});

test("more answers than the engine runs at once, and than may wait, are made all the same", async () => {
  await using narrow = await startOpenAiServer({ env: { MAX_SEQUENCES: "2", MAX_QUEUE: "0" } });
  const fields = { n: 7, temperature: 1, seed: 1, max_tokens: 5 };
  const answer = await json<ChatCompletion>(narrow.chat(fields));
  assert.deepEqual(
    answer.choices.map(({ index }) => index),
    [0, 1, 2, 3, 4, 5, 6],
  );
  assert.ok(answer.choices.every(({ message }) => message.content !== ""));
  const prompts = ["One", "Two", "Three"];
  const many = await json<Completion>(narrow.complete({ prompt: prompts, n: 3, max_tokens: 3, seed: 1 }));
  assert.equal(many.choices.length, 9);
  assert.equal(many.usage?.completion_tokens, 27);
});

test("cached prompt tokens are told", async () => {
  const messages = [{ role: "user", content: "A cat and a dog met in the park. ".repeat(6) }];
  await whole({ messages });
  const { usage } = await whole({ messages });
  assert.equal(usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens - 1);
});

test("logit_bias forbids and forces tokens", async () => {
  const { tokens } = await json<{ tokens: number[] }>(started.server.post("/v1/tokenize", { content: "a" }));
  const token = tokens.at(-1) ?? 0;
  const forced = await whole({ logit_bias: { [token]: 100 }, max_tokens: 5 });
  assert.equal(new Set(forced.choices[0]?.message.content?.replaceAll(" ", "") ?? "").size, 1);
  const free = await whole({ max_tokens: 1, logprobs: true });
  const { bytes = [] } = free.choices[0]?.logprobs?.content[0] ?? {};
  const first = await json<{ tokens: number[] }>(
    started.server.post("/v1/tokenize", { content: Buffer.from(bytes).toString() }),
  );
  const bias = Object.fromEntries(first.tokens.map((id) => [id, -100]));
  const other = await whole({ max_tokens: 1, logit_bias: bias });
  assert.notEqual(other.choices[0]?.message.content, free.choices[0]?.message.content);
});

test("all roles and content parts are taken", async () => {
  const messages = [
    { role: "system", content: "s" },
    { role: "developer", content: [{ type: "text", text: "d" }] },
    {
      role: "user",
      content: [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ],
      name: "ann",
    },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "c1", content: "result" },
    { role: "user", content: "go on" },
  ];
  const answer = await whole({ messages, max_tokens: 2 });
  assert.equal(answer.choices[0]?.finish_reason, "length");
});

test("json_object is an object, and a cut one says so", async () => {
  const answer = await whole({
    response_format: { type: "json_object" },
    temperature: 1,
    seed: 4,
    max_tokens: 300,
  });
  const [choice] = answer.choices;
  if (choice?.finish_reason === "stop")
    assert.equal(typeof JSON.parse(choice.message.content ?? ""), "object");
  const cut = await whole({ response_format: { type: "json_object" }, max_tokens: 2 });
  assert.equal(cut.choices[0]?.finish_reason, "length");
});

test("nothing but the log's own lines is written while answers are made", async () => {
  await whole({ max_tokens: 1 });
  assert.deepEqual(
    started.server.log.filter(({ level }) => level === "text"),
    [],
  );
});

test("without max_tokens an answer may fill the window", async () => {
  const answer = await whole({ max_tokens: null, grammar: "root ::= [a-z ]*", logit_bias: { 2: -100 } });
  assert.ok(answer.usage.total_tokens <= 1024);
  assert.ok(answer.usage.completion_tokens > 24);
});

test("an alias is served, one of a model that is not here is not", async (context) => {
  if (started.model !== "stories260K") return context.skip("the aliases name stories260K");
  assert.equal((await whole({ model: "gpt-4o-mini" })).model, "gpt-4o-mini");
  assert.equal((await started.chat({ model: "gpt-4o" })).status, 404);
});
