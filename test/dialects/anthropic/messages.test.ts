import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";
import { json } from "../../support/server.ts";

interface Message {
  readonly id: string;
  readonly content: ReadonlyArray<{ type: string; text?: string; name?: string; input?: unknown }>;
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
  readonly usage: Record<string, number>;
}

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer();
});
after(() => started[Symbol.asyncDispose]());

const body = (fields: object) => ({
  model: started.model,
  max_tokens: 24,
  temperature: 0,
  messages: [{ role: "user", content: "Once upon a time" }],
  ...fields,
});
const create = (fields: object = {}) => json<Message>(started.server.post("/v1/messages", body(fields)));

/** Events with their names, as Anthropic's clients read them. */
async function events(fields: object): Promise<Array<{ name: string; data: Record<string, unknown> }>> {
  const response = await started.server.post("/v1/messages", body({ ...fields, stream: true }));
  return (await response.text())
    .split("\n\n")
    .filter((block) => block.startsWith("event: "))
    .map((block) => {
      const [name = "", data = ""] = block.split("\n");
      return { name: name.slice(7), data: JSON.parse(data.slice(6)) };
    });
}

test("a message has Anthropic's shape", async () => {
  const message = await create();
  assert.match(message.id, /^msg_/);
  assert.equal(message.content[0]?.type, "text");
  assert.equal(message.stop_reason, "max_tokens");
  assert.equal(message.usage["output_tokens"], 24);
  const counted = { model: started.model, messages: [{ role: "user", content: "Once upon a time" }] };
  const count = await json<{ input_tokens: number }>(
    started.server.post("/v1/messages/count_tokens", counted),
  );
  const { input_tokens = 0, cache_read_input_tokens = 0 } = message.usage;
  assert.equal(input_tokens + cache_read_input_tokens, count.input_tokens);
});

test("a stream's events come in order and add up to the message", async () => {
  const whole = await create();
  const all = await events({});
  const names = all.map(({ name }) => name);
  assert.deepEqual(names.slice(0, 3), ["message_start", "ping", "content_block_start"]);
  assert.deepEqual(names.slice(-3), ["content_block_stop", "message_delta", "message_stop"]);
  for (const { name, data } of all) assert.equal(data["type"], name);
  const text = all.map(({ data }) => (data["delta"] as { text?: string } | undefined)?.text ?? "").join("");
  assert.equal(text, whole.content[0]?.text);
});

const tools = [
  {
    name: "look",
    description: "Look at a colour.",
    input_schema: { type: "object", properties: { colour: { enum: ["red", "blue"] } }, required: ["colour"] },
  },
];

test("tools are used, streamed as JSON deltas, and their results taken back", async () => {
  const fields = { tools, tool_choice: { type: "tool", name: "look" }, max_tokens: 200 };
  const message = await create(fields);
  const use = message.content[0];
  assert.equal(message.stop_reason, "tool_use");
  assert.equal(use?.type, "tool_use");
  assert.match(JSON.stringify(use?.input), /^\{"colour":"(red|blue)"\}$/);
  const partial = (await events(fields))
    .map(({ data }) => (data["delta"] as { partial_json?: string } | undefined)?.partial_json ?? "")
    .join("");
  assert.deepEqual(JSON.parse(partial), use?.input);
  const next = await create({
    tools,
    max_tokens: 4,
    messages: [
      { role: "user", content: "Look" },
      { role: "assistant", content: message.content },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "x", content: [{ type: "text", text: "seen" }] }],
      },
    ],
  });
  assert.equal(next.stop_reason, "max_tokens");
});

test("the stop sequence that was met is named", async () => {
  const text = (await create()).content[0]?.text ?? "";
  const stop = text.slice(4, 8);
  const message = await create({ stop_sequences: ["never said", stop] });
  assert.equal(message.content[0]?.text, text.slice(0, text.indexOf(stop)));
  assert.equal(message.stop_reason, "stop_sequence");
  assert.equal(message.stop_sequence, stop);
});

for (const [name, fields, param] of [
  [
    "images",
    { messages: [{ role: "user", content: [{ type: "image", source: {} }] }] },
    "messages[0].content[0].type",
  ],
  ["a conversation kept here", { thread: { type: "create" } }, "thread"],
  ["no limit", { max_tokens: undefined }, "max_tokens"],
  ["too hot", { temperature: 1.5 }, "temperature"],
] as const) {
  test(`refused by name: ${name}`, async () => {
    const response = await started.server.post("/v1/messages", body(fields));
    assert.equal(response.status, 400);
    assert.equal((await json<{ error: { param: string } }>(response)).error.param, param);
  });
}
