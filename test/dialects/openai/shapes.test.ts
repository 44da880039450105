import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Sample, typeErrors } from "../../support/client-types.ts";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";
import { json, readEvents } from "../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer();
});
after(() => started[Symbol.asyncDispose]());

const parameters = {
  type: "object",
  properties: { n: { enum: [1, 2] } },
  required: ["n"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "pick", description: "Pick one.", parameters } }];
const asked = { max_tokens: 200, parallel_tool_calls: false, tools, tool_choice: "required" };
const older = {
  max_tokens: 200,
  functions: tools.map((tool) => tool.function),
  function_call: { name: "pick" },
};
const custom = { type: "custom", name: "note", description: "Write a note." };

async function events(response: Response): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const event of readEvents(response)) if (event !== "[DONE]") found.push(JSON.parse(event));
  return found;
}

test("every answer and every event has the type that OpenAI's own package gives it", async () => {
  const { chat, complete, server, model } = started;
  const samples: Sample[] = [];
  const add = (type: string, ...values: unknown[]) =>
    samples.push(...values.map((value) => ({ type, value })));

  for (const fields of [{ max_tokens: 4, n: 2, logprobs: true, top_logprobs: 2 }, asked, older]) {
    add("Chat.ChatCompletion", await json(chat(fields)));
    const streamed = await chat({ ...fields, stream: true, stream_options: { include_usage: true } });
    add("Chat.ChatCompletionChunk", ...(await events(streamed)));
  }
  const customInChat = { tools: [{ type: "custom", custom: { name: "note" } }], tool_choice: "required" };
  add("Chat.ChatCompletion", await json(chat({ ...customInChat, max_tokens: 24 })));
  const scored = { max_tokens: 3, echo: true, logprobs: 2, n: 2 };
  add(
    "SentCompletion",
    await json(complete(scored)),
    ...(await events(await complete({ ...scored, stream: true }))),
  );
  const list = await json<{ data: Array<Record<string, unknown>> }>(server.get("/v1/models"));
  for (const { id, object, created, owned_by } of list.data) add("Model", { id, object, created, owned_by });

  const ask = (fields: object) =>
    server.post("/v1/responses", { model, input: "Once upon a time", ...fields });
  const functions = [{ type: "function", name: "pick", description: "Pick one.", strict: true, parameters }];
  for (const fields of [
    { max_output_tokens: 4, top_logprobs: 2, include: ["message.output_text.logprobs"] },
    { max_output_tokens: 200, tools: functions, tool_choice: "required", parallel_tool_calls: false },
    { max_output_tokens: 24, tools: [custom], tool_choice: { type: "custom", name: "note" } },
  ]) {
    // `output_text` is made by the client, not sent.
    add('Omit<Responses.Response, "output_text">', await json(ask(fields)));
    for (const event of await events(await ask({ ...fields, stream: true }))) {
      const { type, response } = event as { type: string; response?: object };
      const value =
        response === undefined ? event : { ...(event as object), response: { ...response, output_text: "" } };
      add(`Extract<Responses.ResponseStreamEvent, { type: "${type}" }>`, value);
    }
  }
  assert.ok(samples.length > 30, `${samples.length} samples`);
  assert.deepEqual(typeErrors(samples), []);
});

test("chunks come in the reference's order", async () => {
  const streamed = await started.chat({
    max_tokens: 3,
    stream: true,
    stream_options: { include_usage: true },
  });
  const raw: string[] = [];
  for await (const event of readEvents(streamed)) raw.push(event);
  assert.equal(raw.pop(), "[DONE]");
  const chunks = raw.map((text) => JSON.parse(text));
  assert.deepEqual(chunks[0].choices[0].delta, { role: "assistant", content: "", refusal: null });
  assert.equal(chunks.at(-2).choices[0].finish_reason, "length");
  assert.deepEqual(chunks.at(-2).choices[0].delta, {});
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, 3);
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
  for (const chunk of chunks.slice(0, -1)) assert.equal(chunk.usage, null);
});
