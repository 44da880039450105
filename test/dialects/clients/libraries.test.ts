import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Instructor from "@instructor-ai/instructor";
import { Agent, handoff, Runner, setTracingDisabled, tool } from "@openai/agents-core";
import { OpenAIProvider } from "@openai/agents-openai";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { z } from "zod";
// The schemas that instructor reads.
import { z as z3 } from "zod/v3";
import { BUILTIN } from "../../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";

let started: OpenAiServer;
let client: OpenAI;
let ollama: Ollama;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN } });
  client = new OpenAI({ baseURL: `${started.server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
  ollama = new Ollama({ host: started.server.url });
});
after(() => started[Symbol.asyncDispose]());

setTracingDisabled(true);
const messages = [{ role: "user", content: "What is the capital of France?" }];
const book = z.object({ title: z.string().max(10), stars: z.number().int().min(1).max(5) });

for (const mode of ["TOOLS", "JSON_SCHEMA"] as const) {
  test(`instructor, mode ${mode}: the object has the schema`, async () => {
    const instructor = Instructor({ client, mode });
    const answer = await instructor.chat.completions.create({
      model: started.model,
      messages: [{ role: "user", content: "Is a cat tame?" }],
      max_tokens: 200,
      max_retries: 0,
      response_model: { schema: z3.object({ tame: z3.boolean() }), name: "Pet" },
    });
    assert.equal(typeof ("tame" in answer && answer.tame), "boolean");
  });
}

for (const useResponses of [true, false]) {
  const api = useResponses ? "Responses" : "chat";
  const seen: string[] = [];
  const look = tool({
    name: "look",
    description: "Look at a colour.",
    parameters: z.object({ colour: z.enum(["red", "blue"]) }),
    execute: ({ colour }) => {
      seen.push(colour);
      return `${colour} was seen`;
    },
  });
  const runner = () =>
    new Runner({ modelProvider: new OpenAIProvider({ openAIClient: client, useResponses }) });
  const agent = (fields: object = {}) =>
    new Agent({ name: "one", instructions: "Be brief.", model: started.model, ...fields });

  test(`OpenAI Agents over ${api}: an answer, whole and streamed`, async () => {
    const settings = { modelSettings: { temperature: 0, maxTokens: 24 } };
    const whole = await runner().run(agent(settings), "What is the capital of France?");
    assert.ok(String(whole.finalOutput).length > 0);
    const streamed = await runner().run(agent(settings), "What is the capital of France?", { stream: true });
    let text = "";
    for await (const event of streamed)
      if (event.type === "raw_model_stream_event" && event.data.type === "output_text_delta")
        text += event.data.delta;
    assert.equal(text, whole.finalOutput);
  });

  test(`OpenAI Agents over ${api}: a tool's round trip, and a form for the end`, async () => {
    seen.length = 0;
    const caller = agent({
      tools: [look],
      outputType: book,
      modelSettings: { toolChoice: "required", parallelToolCalls: false, maxTokens: 200 },
      resetToolChoice: true,
    });
    const { finalOutput } = await runner().run(caller, "Look at a colour.", { maxTurns: 8 });
    assert.match(seen[0] ?? "", /^(red|blue)$/);
    book.parse(finalOutput);
  });

  test(`OpenAI Agents over ${api}: one agent hands over to another`, async () => {
    const second = agent({ name: "two", modelSettings: { temperature: 0 } });
    const first = agent({
      handoffs: [handoff(second)],
      modelSettings: { toolChoice: "required", parallelToolCalls: false },
    });
    const { lastAgent } = await runner().run(first, "Hand over.");
    assert.equal(lastAgent?.name, "two");
  });
}

test("ollama: chat, generate, tools, a form, vectors and lists", async () => {
  const asked = { model: started.model, options: { temperature: 0, num_predict: 24 }, keep_alive: "5m" };
  const whole = await ollama.chat({ ...asked, messages });
  let text = "";
  for await (const part of await ollama.chat({ ...asked, messages, stream: true }))
    text += part.message.content;
  assert.ok(text.length > 0);
  assert.equal(text, whole.message.content);
  assert.ok(whole.eval_count > 0 && whole.total_duration > 0);
  const generated = await ollama.generate({ ...asked, prompt: messages[0]?.content ?? "" });
  assert.equal(generated.response, text);
  const formed = await ollama.chat({
    ...asked,
    options: { num_predict: 200 },
    messages,
    format: z.toJSONSchema(book),
  });
  book.parse(JSON.parse(formed.message.content));
  const { embeddings } = await ollama.embed({ model: "universal-sentence-encoder-lite", input: ["a", "b"] });
  assert.equal(embeddings.length, 2);
  const { models } = await ollama.list();
  assert.deepEqual(
    models.map(({ name }) => name),
    [started.model],
  );
  assert.equal((await ollama.show({ model: started.model })).details.format, "gguf");
  assert.equal((await ollama.ps()).models.length, 1);
  await assert.rejects(ollama.chat({ model: "none", messages }), /not served here/);
});

test("ollama: leaving a stream ends the generation", async () => {
  const stream = await ollama.chat({ model: started.model, messages, stream: true });
  for await (const _part of stream) {
    stream.abort();
    break;
  }
});
