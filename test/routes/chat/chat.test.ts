import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatResponse } from "../../../src/features/chat/schema.ts";
import { skipWithoutStories } from "../../support/model.ts";
import { json, readEvents, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512" } });
});
after(() => server[Symbol.asyncDispose]());

const greedy = { prompt: "Once upon a time", raw: true, temperature: 0, max_new_tokens: 60 };

test("a greedy raw answer continues as the model card says", { skip: skipWithoutStories }, async () => {
  const answer = await json<ChatResponse>(server.post("/chat", greedy));
  assert.ok(
    answer.response.startsWith(
      ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. " +
        "She wanted to play with it, but it was too high.",
    ),
    answer.response,
  );
  assert.equal(answer.prompt_tokens, 5);
  assert.equal(answer.completion_tokens, 60);
});

test("twenty concurrent identical greedy requests give the answer that one alone gives", async () => {
  const alone = await json<ChatResponse>(server.post("/chat", greedy));
  const together = await Promise.all(
    Array.from({ length: 20 }, () => json<ChatResponse>(server.post("/chat", greedy))),
  );
  for (const answer of together) assert.equal(answer.response, alone.response);
});

test("a stream's pieces add up to the response in its last event, and [DONE] ends it", async () => {
  const events: string[] = [];
  for await (const event of readEvents(await server.post("/chat", { ...greedy, stream: true })))
    events.push(event);
  assert.equal(events.pop(), "[DONE]");
  const last = JSON.parse(events.pop() ?? "");
  const text = events.map((event) => JSON.parse(event).token).join("");
  assert.equal(text, last.response);
});
