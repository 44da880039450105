import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { type OpenAiServer, only, startOpenAiServer } from "../../../support/openai-server.ts";
import { metric, until } from "../../../support/server.ts";

let started: OpenAiServer;
let client: OpenAI;
let model: string;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_ALIASES: "gpt-4o-mini=other" } });
  model = started.model;
  client = new OpenAI({ baseURL: `${started.server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
});
after(() => started[Symbol.asyncDispose]());

const messages = [{ role: "user" as const, content: "Once upon a time" }];
const person = z.object({ name: z.string().max(8), age: z.number().int().min(0).max(99) });

test("chat, whole and streamed, is the same text", async () => {
  const request = { model, messages, temperature: 0, max_tokens: 24 };
  const { data, response } = await client.chat.completions.create(request).withResponse();
  assert.equal(data.choices[0]?.finish_reason, "length");
  assert.match(response.headers.get("x-request-id") ?? "", /./);
  let text = "";
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
    text += chunk.choices[0]?.delta.content ?? "";
  assert.equal(text, data.choices[0]?.message.content);
});

test("the streaming helper puts the message together", async () => {
  const stream = client.chat.completions.stream({
    model,
    messages,
    max_tokens: 16,
    stream_options: { include_usage: true },
  });
  let deltas = "";
  stream.on("content", (delta) => {
    deltas += delta;
  });
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0]?.message.content, deltas);
  assert.equal(final.usage?.completion_tokens, 16);
});

test("parse with zod gives the object", async () => {
  const completion = await client.chat.completions.parse({
    model,
    messages,
    seed: 1,
    max_tokens: 200,
    response_format: zodResponseFormat(person, "person"),
  });
  person.parse(completion.choices[0]?.message.parsed);
});

test("the tool runner calls the function and goes on", async () => {
  const calls: unknown[] = [];
  const runner = client.chat.completions.runTools(
    {
      model,
      messages,
      max_tokens: 200,
      seed: 1,
      tool_choice: { type: "function", function: { name: "look" } },
      tools: [
        {
          type: "function",
          function: {
            name: "look",
            description: "Look at a colour.",
            parameters: {
              type: "object",
              properties: { colour: { enum: ["red", "blue"] } },
              required: ["colour"],
              additionalProperties: false,
            },
            parse: JSON.parse,
            function: (args: { colour: string }) => {
              calls.push(args);
              return "seen";
            },
          },
        },
      ],
    },
    { maxChatCompletions: 2 },
  );
  await runner.done();
  assert.equal(calls.length, 1);
  assert.match(JSON.stringify(calls[0]), /^\{"colour":"(red|blue)"\}$/);
  assert.ok(runner.messages.some(({ role }) => role === "tool"));
});

test("leaving a stream cancels the generation", async () => {
  const running = () => metric(started.server, "inference_running_sequences");
  const stream = await client.chat.completions.create({
    model,
    messages,
    stream: true,
    max_tokens: 450,
    logit_bias: { 2: -100 },
  });
  for await (const _chunk of stream) break;
  stream.controller.abort();
  await until(async () => (await running()) === 0);
});

test("errors are the client's own classes, with code and param", async () => {
  await assert.rejects(client.chat.completions.create({ model: "none", messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "not_found");
    assert.equal(error.param, "model");
    assert.equal(error.type, "invalid_request_error");
    return true;
  });
  await assert.rejects(
    client.chat.completions.create({
      model,
      messages: [{ role: "user", content: "and then ".repeat(2000) }],
    }),
    (error) =>
      error instanceof OpenAI.BadRequestError &&
      error.code === "context_length_exceeded" &&
      error.param === "messages" &&
      /maximum context length is \d+ tokens/.test(error.message),
  );
  const stranger = new OpenAI({ baseURL: `${started.server.url}/v1`, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), (error) => error instanceof OpenAI.AuthenticationError);
});

test("models are listed and shown", async () => {
  const ids: string[] = [];
  for await (const { id } of client.models.list()) ids.push(id);
  assert.deepEqual(ids, [model]);
  assert.equal((await client.models.retrieve(model)).id, model);
});

test("completions stream and echo", async () => {
  let text = "";
  const request = { model, prompt: "Once upon a time", max_tokens: 12, temperature: 0 };
  for await (const chunk of await client.completions.create({ ...request, stream: true }))
    text += chunk.choices[0]?.text ?? "";
  const whole = await client.completions.create({ ...request, echo: true });
  assert.equal(whole.choices[0]?.text, `Once upon a time${text}`);
});

test("responses: text, streaming helper, parse, tools, and a conversation that goes on", async () => {
  const first = await client.responses.create({
    model,
    input: "Once upon a time",
    max_output_tokens: 16,
    temperature: 0,
  });
  assert.equal(first.status, "incomplete");
  assert.equal(first.incomplete_details?.reason, "max_output_tokens");
  const stream = client.responses.stream({
    model,
    input: "Once upon a time",
    max_output_tokens: 16,
    temperature: 0,
  });
  let text = "";
  stream.on("response.output_text.delta", ({ delta }) => {
    text += delta;
  });
  assert.equal((await stream.finalResponse()).output_text, first.output_text);
  assert.equal(text, first.output_text);

  const next = await client.responses.create({
    model,
    input: "And then?",
    previous_response_id: first.id,
    max_output_tokens: 4,
  });
  assert.ok((next.usage?.input_tokens ?? 0) > (first.usage?.input_tokens ?? 0) + 16);
  assert.equal((await client.responses.retrieve(first.id)).id, first.id);

  const parsed = await client.responses.parse({
    model,
    input: "Who?",
    max_output_tokens: 200,
    text: { format: zodTextFormat(person, "person") },
  });
  person.parse(parsed.output_parsed);

  const called = await client.responses.create({
    model,
    input: "Look",
    max_output_tokens: 200,
    tool_choice: "required",
    parallel_tool_calls: false,
    tools: [
      {
        type: "function",
        name: "look",
        strict: true,
        parameters: {
          type: "object",
          properties: { n: { enum: [1, 2] } },
          required: ["n"],
          additionalProperties: false,
        },
      },
    ],
  });
  const call = called.output[0];
  assert.ok(call?.type === "function_call");
  assert.ok([1, 2].includes(JSON.parse(call.arguments).n));
  const answered = await client.responses.create({
    model,
    previous_response_id: called.id,
    max_output_tokens: 3,
    input: [{ type: "function_call_output", call_id: call.call_id, output: "done" }],
  });
  assert.equal(answered.output[0]?.type, "message");

  await client.responses.delete(first.id);
  await assert.rejects(client.responses.retrieve(first.id), (error) => error instanceof OpenAI.NotFoundError);
  const unkept = await client.responses.create({ model, input: "x", store: false, max_output_tokens: 2 });
  await assert.rejects(
    client.responses.retrieve(unkept.id),
    (error) => error instanceof OpenAI.NotFoundError,
  );
});

test("emoji and CJK come through the client whole", async () => {
  const text = "日本語 🎉 naïve";
  const grammar = { grammar: only(text) } as object;
  const completion = await client.chat.completions.create({ model, messages, max_tokens: 64, ...grammar });
  assert.equal(completion.choices[0]?.message.content, text);
});
