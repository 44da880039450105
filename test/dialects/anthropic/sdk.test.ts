import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import { type Sample, typeErrors } from "../../support/client-types.ts";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";
import { metric, until } from "../../support/server.ts";

let started: OpenAiServer;
let client: Anthropic;
let asked: { model: string; messages: Anthropic.MessageParam[]; max_tokens: number; temperature: number };
before(async () => {
  started = await startOpenAiServer();
  client = new Anthropic({ baseURL: started.server.url, apiKey: "dev-local-key", maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Once upon a time" }];
  asked = { model: started.model, messages, max_tokens: 16, temperature: 0 };
});
after(() => started[Symbol.asyncDispose]());

const tools: Anthropic.Tool[] = [
  {
    name: "look",
    strict: true,
    input_schema: {
      type: "object",
      properties: { colour: { enum: ["red", "blue"] } },
      required: ["colour"],
      additionalProperties: false,
    },
  },
];
const toolChoice = { type: "tool", name: "look" } as const;

test("a message, whole and by the streaming helper, is the same text", async () => {
  const whole = await client.messages.create(asked);
  assert.equal(whole.stop_reason, "max_tokens");
  const stream = client.messages.stream(asked);
  let text = "";
  stream.on("text", (delta) => {
    text += delta;
  });
  const final = await stream.finalMessage();
  assert.deepEqual(final.content, whole.content);
  assert.ok(whole.content[0]?.type === "text" && whole.content[0].text === text);
  assert.equal(final.usage.output_tokens, 16);
});

test("every message and every event has the type that Anthropic's own package gives it", async () => {
  const samples: Sample[] = [];
  for (const fields of [asked, { ...asked, max_tokens: 200, tools, tool_choice: toolChoice }]) {
    const { _request_id, ...message } = await client.messages.create(fields);
    samples.push({ type: "Anthropic.Message", value: message });
    for await (const value of await client.messages.create({ ...fields, stream: true }))
      samples.push({ type: `Extract<Anthropic.RawMessageStreamEvent, { type: "${value.type}" }>`, value });
  }
  assert.ok(samples.length > 12);
  assert.deepEqual(typeErrors(samples), []);
});

test("the tool runner calls the function and goes on", async () => {
  const seen: string[] = [];
  const look = betaZodTool({
    name: "look",
    description: "Look at a colour.",
    inputSchema: z.object({ colour: z.enum(["red", "blue"]) }),
    run: ({ colour }) => {
      seen.push(colour);
      return "seen";
    },
  });
  const runner = client.beta.messages.toolRunner({
    ...asked,
    messages: [{ role: "user", content: "Look" }],
    max_tokens: 200,
    tools: [look],
    tool_choice: toolChoice,
    max_iterations: 2,
  });
  await runner.runUntilDone();
  assert.match(seen[0] ?? "", /^(red|blue)$/);
});

test("parse with zod gives the object", async () => {
  const schema = z.object({ animal: z.enum(["cat", "bird"]), tame: z.boolean() });
  const message = await client.messages.parse({
    ...asked,
    max_tokens: 200,
    output_config: { format: zodOutputFormat(schema) },
  });
  schema.parse(message.parsed_output);
});

test("tokens are counted as they are charged", async () => {
  const { model, messages } = asked;
  const { input_tokens } = await client.messages.countTokens({ model, messages });
  const { usage } = await client.messages.create(asked);
  assert.equal(usage.input_tokens + (usage.cache_read_input_tokens ?? 0), input_tokens);
});

test("errors are the client's own classes", async () => {
  await assert.rejects(
    client.messages.create({ ...asked, model: "none" }),
    (error) => error instanceof Anthropic.NotFoundError && error.type === "not_found_error",
  );
  await assert.rejects(
    client.messages.create({ ...asked, messages: [{ role: "user", content: "and then ".repeat(2000) }] }),
    (error) =>
      error instanceof Anthropic.BadRequestError &&
      error.type === "invalid_request_error" &&
      /prompt is too long: \d+ tokens > \d+ maximum/.test(error.message),
  );
  const stranger = new Anthropic({ baseURL: started.server.url, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.messages.create(asked), Anthropic.AuthenticationError);
});

test("aborting ends the generation", async () => {
  const stream = client.messages.stream({ ...asked, max_tokens: 450 });
  stream.on("text", () => stream.abort());
  await assert.rejects(stream.done(), Anthropic.APIUserAbortError);
  await until(async () => (await metric(started.server, "inference_running_sequences")) === 0);
});
