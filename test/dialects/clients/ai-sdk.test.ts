import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, type LanguageModel, Output, stepCountIs, streamText, tool } from "ai";
import { createAnthropic as createAnthropic3 } from "ai-sdk-anthropic-3";
import { z } from "zod";
import { BUILTIN } from "../../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";
import { metric, until } from "../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN } });
});
after(() => started[Symbol.asyncDispose]());

const settings = () => ({ baseURL: `${started.server.url}/v1`, apiKey: "dev-local-key" });

/** The SDK's providers of this server's APIs, as their users have them. */
const providers: ReadonlyArray<readonly [name: string, model: (name: string) => LanguageModel]> = [
  ["@ai-sdk/anthropic 4", (model) => createAnthropic(settings())(model)],
  ["@ai-sdk/anthropic 3", (model) => createAnthropic3(settings())(model)],
  ["@ai-sdk/openai, Responses", (model) => createOpenAI(settings())(model)],
  ["@ai-sdk/openai, chat", (model) => createOpenAI(settings()).chat(model)],
  [
    "@ai-sdk/openai-compatible",
    (model) =>
      createOpenAICompatible({
        ...settings(),
        name: "llm-server",
        supportsStructuredOutputs: true,
        includeUsage: true,
      })(model),
  ],
];

const prompt = "What is the capital of France?";
const look = tool({
  description: "Look at a colour.",
  inputSchema: z.object({ colour: z.enum(["red", "blue"]) }),
  execute: async ({ colour }) => `${colour} was seen`,
});

for (const [name, model] of providers) {
  const asked = () => ({ model: model(started.model), prompt, maxRetries: 0 });

  test(`${name}: text, whole and streamed, at the client's own limit of tokens`, async () => {
    // No limit: some of them ask for more than the window has.
    const whole = await generateText({ ...asked(), temperature: 0 });
    assert.ok(whole.text.length > 0);
    const stream = streamText({ ...asked(), temperature: 0 });
    let text = "";
    for await (const delta of stream.textStream) text += delta;
    assert.equal(text, whole.text);
    assert.equal((await stream.usage).outputTokens, whole.usage.outputTokens);
  });

  test(`${name}: a tool is called and its result goes back`, async () => {
    const round = {
      ...asked(),
      tools: { look },
      toolChoice: { type: "tool", toolName: "look" },
      stopWhen: stepCountIs(2),
      maxOutputTokens: 64,
    } as const;
    const whole = await generateText(round);
    assert.equal(whole.steps.length, 2);
    assert.match(String(whole.steps[0]?.toolResults[0]?.output), /^(red|blue) was seen$/);
    const stream = streamText(round);
    assert.equal((await stream.steps).length, 2);
  });

  test(`${name}: an object of a schema`, async () => {
    const schema = z.object({ title: z.string().max(10), stars: z.number().int().min(1).max(5) });
    const { output } = await generateText({
      ...asked(),
      maxOutputTokens: 200,
      output: Output.object({ schema }),
    });
    schema.parse(output);
  });

  test(`${name}: an error is the SDK's own, with the status`, async () => {
    await assert.rejects(
      generateText({ ...asked(), model: model("none") }),
      (error) =>
        APICallError.isInstance(error) && error.statusCode === 404 && /not served/.test(error.message),
    );
  });

  test(`${name}: aborting ends the generation`, async () => {
    const controller = new AbortController();
    const stream = streamText({ ...asked(), abortSignal: controller.signal, onError: () => {} });
    for await (const _delta of stream.textStream) {
      controller.abort();
      break;
    }
    await until(async () => (await metric(started.server, "inference_running_sequences")) === 0);
  });
}
