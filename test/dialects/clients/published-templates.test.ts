/*
 * The official clients against models with published chat templates. Their weights are random and would not speak a
 * format: engines are told what to say (`scripted-tokens.ts`), in each template's own form.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, type LanguageModel, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import type { ScriptedAnswer } from "../../support/scripted-tokens.ts";
import { modelOf, startTemplateServer, type TemplateServer } from "../../support/template-server.ts";
import { dialectOf } from "../../support/written-answers.ts";

/** Each writes in another form, and thinks unless it is told not to. */
const files = [
  "Qwen3.5-4B.jinja",
  "Qwen-Qwen3-0.6B.jinja",
  "openai-gpt-oss-120b.jinja",
  "GLM-4.6.jinja",
  "MiniMax-M2.jinja",
  "mistralai-Ministral-3-14B-Reasoning-2512.jinja",
  "Kimi-K2-Thinking.jinja",
  "ByteDance-Seed-OSS.jinja",
];
const system = "You tell the weather.";

const thought = 'The user wants "weather": 3 > 2 🙂.';
const args = { city: 'Zürich "alt" 🙂', days: 2 };
const text = "It is 21 °C {there}.";
const question = "How is the weather?";
const parameters = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city"],
} as const;

/** A call where the weather is asked for, a text once it is known; both after a thought. */
function answersOf(file: string): readonly ScriptedAnswer[] {
  const { think, speak, call } = dialectOf(file);
  const thoughts = think?.(thought) ?? "";
  const begun = { thoughts, opening: thoughts.slice(0, thoughts.indexOf(thought)) };
  return [
    { ...begun, when: [question], rest: call([{ name: "get_weather", args }]) },
    { ...begun, when: ["21 degrees"], rest: speak(text) },
  ];
}

let started: TemplateServer | string;
before(async () => {
  started = await startTemplateServer(Object.fromEntries(files.map((file) => [file, answersOf(file)])));
});
after(async () => {
  if (typeof started !== "string") await started?.[Symbol.asyncDispose]();
});

for (const model of files.map(modelOf)) {
  test(`openai reads the thoughts and calls of ${model}`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    const { url } = started.server;
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: "system", content: system },
      { role: "user", content: question },
    ];
    const tools: OpenAI.ChatCompletionTool[] = [
      { type: "function", function: { name: "get_weather", parameters } },
    ];
    const stream = client.chat.completions.stream({ model, messages, tools });
    let streamed = "";
    for await (const { choices } of stream)
      streamed += (choices[0]?.delta as { reasoning_content?: string } | undefined)?.reasoning_content ?? "";
    assert.equal(streamed, thought);
    const called = (await stream.finalChatCompletion()).choices[0];
    assert.equal(called?.finish_reason, "tool_calls");
    const [call] = called.message.tool_calls ?? [];
    assert.ok(call?.type === "function");
    assert.deepEqual(JSON.parse(call.function.arguments), args);
    const result = { role: "tool", tool_call_id: call.id, content: "21 degrees" } as const;
    const last = await client.chat.completions.create({
      model,
      messages: [...messages, called.message, result],
      tools,
    });
    const message = last.choices[0]?.message as { content: string; reasoning_content?: string };
    assert.equal(message.content, text);
    assert.equal(message.reasoning_content, thought);
    assert.ok((last.usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 10);

    const response = await client.responses.create({
      model,
      instructions: system,
      input: question,
      reasoning: { summary: "auto" },
      tools: [{ type: "function", name: "get_weather", parameters, strict: false }],
    });
    const [thoughts, item] = response.output;
    assert.ok(thoughts?.type === "reasoning" && item?.type === "function_call");
    assert.match(JSON.stringify(thoughts.summary), /The user wants/);
    assert.deepEqual(JSON.parse(item.arguments), args);
  });

  test(`@anthropic-ai/sdk reads the thoughts and calls of ${model}`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    const { url } = started.server;
    const client = new Anthropic({ baseURL: url, apiKey: "dev-local-key", maxRetries: 0 });
    const asked = {
      model,
      system,
      max_tokens: 1000,
      tools: [{ name: "get_weather", input_schema: { ...parameters, required: ["city"] } }],
    };
    const user = { role: "user" as const, content: question };
    const called = await client.messages.stream({ ...asked, messages: [user] }).finalMessage();
    assert.equal(called.stop_reason, "tool_use");
    const [thoughts, call] = called.content;
    assert.ok(thoughts?.type === "thinking" && call?.type === "tool_use");
    assert.equal(thoughts.thinking, thought);
    assert.deepEqual(call.input, args);
    const last = await client.messages.create({
      ...asked,
      messages: [
        user,
        { role: "assistant", content: called.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "21 degrees" }] },
      ],
    });
    assert.deepEqual(
      last.content.map((block) => (block.type === "text" ? block.text : block.type)),
      ["thinking", text],
    );
  });

  test(`the AI SDK reads the thoughts and calls of ${model}`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    const { url } = started.server;
    const settings = { baseURL: `${url}/v1`, apiKey: "dev-local-key" };
    const providers: readonly LanguageModel[] = [
      createOpenAICompatible({ ...settings, name: "llm-server" })(model),
      createAnthropic(settings)(model),
    ];
    for (const [at, provider] of providers.entries()) {
      const inputs: unknown[] = [];
      const round = {
        model: provider,
        instructions: system,
        prompt: question,
        maxRetries: 0,
        stopWhen: stepCountIs(2),
        tools: {
          get_weather: tool({
            inputSchema: z.object({ city: z.string(), days: z.number().int() }),
            execute: (input) => {
              inputs.push(input);
              return "21 degrees";
            },
          }),
        },
      };
      // One whole, the other streamed.
      const steps = at === 0 ? (await generateText(round)).steps : await streamText(round).steps;
      assert.deepEqual(inputs, [args]);
      assert.deepEqual(
        steps.map((step) => [step.reasoningText, step.text]),
        [
          [thought, ""],
          [thought, text],
        ],
      );
    }
  });
}
