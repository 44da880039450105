import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { type OpenAiServer, startOpenAiServer } from "../../../support/openai-server.ts";
import { metric, until } from "../../../support/server.ts";

let started: OpenAiServer;
let provider: ReturnType<typeof createOpenAICompatible>;
before(async () => {
  started = await startOpenAiServer();
  provider = createOpenAICompatible({
    name: "llm-server",
    baseURL: `${started.server.url}/v1`,
    apiKey: "dev-local-key",
    supportsStructuredOutputs: true,
  });
});
after(() => started[Symbol.asyncDispose]());

const asked = () => ({
  model: provider(started.model),
  prompt: "Once upon a time",
  temperature: 0,
  maxRetries: 0,
});

test("generateText and streamText give the same text and its usage", async () => {
  const whole = await generateText({ ...asked(), maxOutputTokens: 20 });
  assert.equal(whole.finishReason, "length");
  assert.equal(whole.usage.outputTokens, 20);
  const stream = streamText({ ...asked(), maxOutputTokens: 20 });
  let text = "";
  for await (const delta of stream.textStream) text += delta;
  assert.equal(text, whole.text);
});

test("structured output is the object that the schema describes", async () => {
  const schema = z.object({ title: z.string().max(10), stars: z.number().int().min(1).max(5) });
  const { output } = await generateText({
    ...asked(),
    maxOutputTokens: 200,
    output: Output.object({ schema }),
  });
  schema.parse(output);
});

test("tools are called with arguments of their schema", async () => {
  const seen: unknown[] = [];
  const look = tool({
    description: "Look at a colour.",
    inputSchema: z.object({ colour: z.enum(["red", "blue"]) }),
    execute: async (input) => {
      seen.push(input.colour);
      return "seen";
    },
  });
  const result = await generateText({
    ...asked(),
    maxOutputTokens: 200,
    tools: { look },
    toolChoice: { type: "tool", toolName: "look" },
    stopWhen: stepCountIs(1),
  });
  assert.equal(result.toolCalls.length, 1);
  assert.match(String(seen[0]), /^(red|blue)$/);
  const stream = streamText({
    ...asked(),
    maxOutputTokens: 200,
    tools: { look },
    toolChoice: "required",
    stopWhen: stepCountIs(1),
  });
  assert.ok((await stream.toolCalls).length > 0);
});

test("an error is the SDK's own, with the status", async () => {
  await assert.rejects(
    generateText({ ...asked(), model: provider("none"), maxOutputTokens: 2 }),
    (error) => APICallError.isInstance(error) && error.statusCode === 404 && /not served/.test(error.message),
  );
});

test("aborting ends the generation", async () => {
  const controller = new AbortController();
  const stream = streamText({
    ...asked(),
    maxOutputTokens: 480,
    abortSignal: controller.signal,
    onError: () => {},
  });
  for await (const _delta of stream.textStream) {
    controller.abort();
    break;
  }
  await until(async () => (await metric(started.server, "inference_running_sequences")) === 0);
});
