import assert from "node:assert/strict";
import { test } from "node:test";
import { Assistant } from "../../src/assistant/assistant.ts";
import { ConstraintCompiler } from "../../src/assistant/constraint-compiler.ts";
import { ChatTemplate } from "../../src/assistant/template/template.ts";
import type { Turn, TurnEvent } from "../../src/assistant/turn.ts";
import type { Engine, GenerationEvent } from "../../src/inference/engine.ts";

const constraints = new ConstraintCompiler();

const CHAT_ML =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n";
const template = new ChatTemplate({
  chatTemplate: CHAT_ML,
  bosText: "",
  eosText: "<|im_end|>",
  specialTexts: [],
});

/** Says these pieces, and ends as an engine does whose text met a stop string where one is named. Weights that call tools can't be had here. */
function engineThatSays(pieces: readonly string[], stopText?: string): Engine {
  const usage = { promptTokens: 9, cachedPromptTokens: 0, completionTokens: pieces.length };
  async function* generate(): AsyncIterable<GenerationEvent> {
    yield { type: "started", promptTokens: 9, cachedPromptTokens: 0 };
    for (const text of pieces) yield { type: "text", text };
    yield {
      type: "done",
      finishReason: "stop",
      ...(stopText !== undefined && { stopText }),
      usage,
      timings: {},
    } as GenerationEvent;
  }
  return { generate, describe: () => ({ contextWindow: 1024, sequences: 1 }) } as unknown as Engine;
}

const turn: Turn = {
  messages: [{ role: "user", content: "Look." }],
  tools: [
    {
      name: "look",
      parameters: { type: "object", properties: { colour: { type: "string" } } },
      strict: false,
      path: "tools[0]",
    },
  ],
  toolChoice: { type: "auto" },
  parallelToolCalls: true,
  form: { type: "text" },
  sampling: { temperature: 0 } as Turn["sampling"],
  stop: ["red"],
};

async function eventsOf(engine: Engine): Promise<TurnEvent[]> {
  const assistant = new Assistant({ engine, template }, () => 1, constraints);
  const context = { signal: new AbortController().signal } as Parameters<Assistant["answer"]>[2];
  const planned = await assistant.plan(turn, context.signal);
  assert.deepEqual(planned.request.stop, ["red"]);
  const events: TurnEvent[] = [];
  for await (const event of assistant.answer(planned, 0, context)) events.push(event);
  return events;
}

const call = ["Let me see.", "\n<tool_call>\n", '{"name": "look", "arguments": {"colour', '": "'];

test("a call that a stop string ends within its arguments is not a call, and what came of it is reported as cut", async () => {
  const events = await eventsOf(engineThatSays(call, "red"));
  const end = events.at(-1);
  assert.ok(end?.type === "done");
  assert.deepEqual([end.finishReason, end.stopText], ["stop", "red"]);
  const started = events.filter((event) => event.type === "block_start").map(({ kind }) => kind);
  assert.deepEqual(started, ["text", "call"]);
  const last = events.at(-2);
  assert.ok(last?.type === "block_end" && last.isCut === true);
});

test("a call that the model ended is one, whatever was said before it", async () => {
  const events = await eventsOf(engineThatSays([...call, 'blue"}}', "\n</tool_call>"]));
  const end = events.at(-1);
  assert.ok(end?.type === "done");
  assert.equal(end.finishReason, "tool_calls");
  assert.ok(events.every((event) => event.type !== "block_end" || event.isCut === undefined));
});
