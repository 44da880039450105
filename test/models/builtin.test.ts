import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { ChatResponse } from "../../src/features/chat/schema.ts";
import type { EvaluateResponse } from "../../src/features/evaluation/schema.ts";
import { chat } from "../support/chat.ts";
import { json, startServer, type TestServer } from "../support/server.ts";

/*
 * What the built-in model is shipped for: to answer the README's prompts sensibly, to stop by itself, and to keep to
 * forms. Words are checked and not whole answers, which rounding on another processor may change.
 */

describe("the built-in model", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ env: { MODEL_NAME: "builtin" } });
  });
  after(() => server[Symbol.asyncDispose]());

  const ask = (prompt: string, fields: object = {}) => chat(server, { prompt, temperature: 0, ...fields });

  /** Whole sentences, each with a capital and a full stop. */
  function assertSentences({ response, finish_reason }: ChatResponse, count?: number): void {
    assert.equal(finish_reason, "stop", response);
    const sentences = response.split(/(?<=[.!?])\s+/);
    for (const sentence of sentences) assert.match(sentence, /^[A-Z].*[.!?]$/, response);
    if (count !== undefined) assert.equal(sentences.length, count, response);
  }

  test("is small enough for a repository", () => {
    const { size } = statSync(new URL("../../src/models/builtin/builtin.gguf", import.meta.url));
    assert.ok(size < 8 * 2 ** 20, `${size} bytes`);
  });

  test("explains what it was taught, in as many sentences as it is asked for", async () => {
    const answer = await ask("Explain transformers simply in 3 sentences.");
    assertSentences(answer, 3);
    assert.match(answer.response, /attention/i);
    const token = await ask("What is a token?");
    assertSentences(token);
    assert.match(token.response, /piece of text/);
  });

  test("tells a story that ends", async () => {
    const story = await ask("Write a short story about a robot.");
    assertSentences(story);
    assert.match(story.response, /robot/);
    assert.ok(story.completion_tokens > 40);
  });

  test("answers, criticises and rewrites", async () => {
    const answer = await ask("What is a KV cache?", { mode: "refine", critique_temperature: 0 });
    assertSentences(answer);
    assert.match(answer.response, /keys and values/);
    assert.ok((answer.critique ?? "").length > 20);
  });

  test("judges a right answer above babble, in words", async () => {
    const judge = async (response: string) => {
      const body = { prompt: "What is the capital of Italy?", response, criteria: ["accuracy", "clarity"] };
      const { scores } = await json<EvaluateResponse>(server.post("/evaluate", body));
      for (const { rationale } of scores) assert.match(rationale, /^[A-Z].*\.$/);
      return scores.map(({ score }) => score);
    };
    const [accurate = 0, clear = 0] = await judge("The capital of Italy is Rome.");
    const [babbled = 10, unclear = 10] = await judge("banana banana purple seven");
    assert.ok(accurate >= 7 && clear >= 7, `${accurate}, ${clear}`);
    assert.ok(babbled <= 3 && unclear <= 3, `${babbled}, ${unclear}`);
  });

  test("writes JSON by a schema, and ends it", async () => {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "integer" } },
      required: ["name", "age"],
      additionalProperties: false,
    };
    const response = await server.post("/v1/chat/completions", {
      model: "builtin",
      messages: [{ role: "user", content: "Tom is 12 years old. Give name and age as JSON." }],
      temperature: 0,
      max_tokens: 60,
      response_format: { type: "json_schema", json_schema: { name: "person", schema } },
    });
    const { choices } = await json<{ choices: ReadonlyArray<{ message: { content: string } }> }>(response);
    const person = JSON.parse(choices[0]?.message.content ?? "") as { name: unknown; age: unknown };
    assert.equal(typeof person.name, "string");
    assert.ok(Number.isInteger(person.age));
  });
});
