import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chat, greedy, streamedChat } from "../../support/chat.ts";
import { startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512" } });
});
after(() => server[Symbol.asyncDispose]());

const lively = { ...greedy, temperature: 1.2, top_p: 1, max_new_tokens: 40 };

// One after the other: how llama.cpp rounds depends on what else is in the batch, which may turn a close draw.
test("the same seed gives the same answer, another seed another one", async () => {
  const answers: string[] = [];
  for (const seed of [7, 7, 8]) answers.push((await chat(server, { ...lively, seed })).response);
  assert.equal(answers[1], answers[0]);
  assert.notEqual(answers[2], answers[0]);
});

test("without a seed two answers differ", async () => {
  const [first, second] = await Promise.all([chat(server, lively), chat(server, lively)]);
  assert.notEqual(first.response, second.response);
});

test("the largest seed is not the smallest", async () => {
  const [zero, largest] = await Promise.all(
    [0, 2 ** 32 - 1].map((seed) => chat(server, { ...lively, seed })),
  );
  assert.notEqual(zero?.response, largest?.response);
});

test("top_k 1, top_p 0 and min_p 1 each leave only the likeliest token", async () => {
  const { response } = await chat(server, greedy);
  for (const only of [{ top_k: 1 }, { top_p: 0 }, { min_p: 1 }]) {
    const answer = await chat(server, { ...greedy, temperature: 1.5, top_p: 1, ...only });
    assert.equal(answer.response, response, JSON.stringify(only));
  }
});

test("a repeat penalty changes a repetitive answer", async () => {
  const [plain, penalized] = await Promise.all([
    chat(server, { ...greedy, max_new_tokens: 150 }),
    chat(server, { ...greedy, max_new_tokens: 150, repeat_penalty: 1.5 }),
  ]);
  assert.notEqual(plain.response, penalized.response);
});

test("max_new_tokens ends an answer with finish_reason length, at exactly that many tokens", async () => {
  for (const max_new_tokens of [1, 2, 33]) {
    const answer = await chat(server, { ...greedy, max_new_tokens });
    assert.equal(answer.completion_tokens, max_new_tokens);
    assert.equal(answer.finish_reason, "length");
  }
});

test("an answer ends before the first stop string, wherever its borders lie", async () => {
  const whole = (await chat(server, greedy)).response;
  const starts = [0, 1, 2, 7, 19, 20, 33, 58];
  await Promise.all(
    starts.flatMap((start) =>
      [1, 2, 5, 23].map(async (length) => {
        const stop = whole.slice(start, start + length);
        const expected = whole.slice(0, whole.indexOf(stop));
        const [answer, stream] = await Promise.all([
          chat(server, { ...greedy, stop }),
          streamedChat(server, { ...greedy, stop: ["never said", stop] }),
        ]);
        for (const got of [answer.response, stream.answer.response, stream.pieces.join("")])
          assert.equal(got, expected, JSON.stringify(stop));
        assert.equal(answer.finish_reason, "stop");
        assert.ok(answer.completion_tokens < 60 || whole.endsWith(stop));
      }),
    ),
  );
});

test("the earliest of several stop strings wins", async () => {
  const whole = (await chat(server, greedy)).response;
  const [early, late] = [whole.slice(10, 14), whole.slice(30, 36)];
  const answer = await chat(server, { ...greedy, stop: [late, early] });
  assert.equal(answer.response, whole.slice(0, whole.indexOf(early)));
});

test("a beginning of a stop string that never completes is part of the answer", async () => {
  const whole = (await chat(server, greedy)).response;
  const stop = `${whole.slice(-3)} and nothing like this`;
  const { pieces, answer } = await streamedChat(server, { ...greedy, stop });
  assert.equal(answer.response, whole);
  assert.equal(pieces.join(""), whole);
  assert.equal(answer.finish_reason, "length");
});

test("streams of noise hold whole characters only, and add up to their responses", async () => {
  await Promise.all(
    Array.from({ length: 12 }, async (_, seed) => {
      const body = { ...greedy, temperature: 2, top_p: 1, seed, max_new_tokens: 120 };
      const { pieces, answer } = await streamedChat(server, body);
      assert.equal(pieces.join(""), answer.response);
    }),
  );
});

test("concurrent greedy answers to different prompts are those that each gets alone", async () => {
  const prompts = ["Once upon a time", "Once upon a hill", "The dog", "One day, a girl", "Tom and Mia"];
  const alone: string[] = [];
  for (const prompt of prompts) alone.push((await chat(server, { ...greedy, prompt })).response);
  const together = await Promise.all(
    [...prompts, ...prompts].map((prompt) => chat(server, { ...greedy, prompt })),
  );
  assert.deepEqual(
    together.map(({ response }) => response),
    [...alone, ...alone],
  );
});
