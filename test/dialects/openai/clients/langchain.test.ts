import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAI } from "@langchain/openai";
import { z } from "zod";
import { type OpenAiServer, startOpenAiServer } from "../../../support/openai-server.ts";
import { metric, until } from "../../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer({ env: { CONTEXT_SIZE: "1024" } });
});
after(() => started[Symbol.asyncDispose]());

const settings = (maxTokens: number, model = started.model) => ({
  model,
  apiKey: "dev-local-key",
  configuration: { baseURL: `${started.server.url}/v1` },
  temperature: 0,
  maxTokens,
  maxRetries: 0,
});
const chat = (maxTokens: number, model?: string) => new ChatOpenAI(settings(maxTokens, model));

test("invoke and stream give the same text", async () => {
  const messages = [new SystemMessage("Tell a story."), new HumanMessage("Once upon a time")];
  const whole = await chat(16).invoke(messages);
  let text = "";
  for await (const chunk of await chat(16).stream(messages)) text += chunk.text;
  assert.equal(text, whole.text);
  const usage = whole.usage_metadata as { output_tokens: number } | undefined;
  assert.equal(usage?.output_tokens, 16);
});

test("completions answer", async () => {
  const text = await new OpenAI(settings(8)).invoke("Once upon a time");
  assert.ok(text.length > 0);
});

test("structured output parses", async () => {
  const schema = z.object({ name: z.string().max(6), legs: z.number().int().min(0).max(8) });
  const model = chat(200).withStructuredOutput(schema, { name: "animal", method: "jsonSchema" });
  schema.parse(await model.invoke("An animal"));
});

test("a bound tool is called, and its result goes back", async () => {
  const look = tool(async () => "seen", {
    name: "look",
    description: "Look at a colour.",
    schema: z.object({ colour: z.enum(["red", "blue"]) }),
  });
  const question = new HumanMessage("Look");
  const answer = await chat(80).bindTools([look], { tool_choice: "look" }).invoke([question]);
  const call = answer.tool_calls?.[0];
  assert.equal(call?.name, "look");
  assert.match(String(call?.args["colour"]), /^(red|blue)$/);
  const result = new ToolMessage({ content: "seen", tool_call_id: call?.id ?? "" });
  const next = await chat(4).bindTools([look]).invoke([question, answer, result]);
  assert.equal(typeof next.text, "string");
});

test("an error says what is wrong", async () => {
  await assert.rejects(chat(4, "none").invoke("x"), /not served/);
});

test("aborting ends the generation", async () => {
  const controller = new AbortController();
  const stream = await chat(900).stream("Once upon a time", { signal: controller.signal });
  await assert.rejects(async () => {
    for await (const _chunk of stream) controller.abort();
  });
  await until(async () => (await metric(started.server, "inference_running_sequences")) === 0);
});
