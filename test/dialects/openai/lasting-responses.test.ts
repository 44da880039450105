import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { startServer, type TestServer, until } from "../../support/server.ts";

let directory: string;
let server: TestServer;
let client: OpenAI;

/** The server's next life, on the same data. */
async function start(): Promise<void> {
  server = await startServer({ env: { DATA_DIR: directory } });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
}
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  await start();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const short = { max_output_tokens: 6, temperature: 0 };
/** Some seconds' work, since no model can end it before. */
const long = {
  max_output_tokens: 400,
  temperature: 0,
  text: {
    format: {
      type: "json_schema" as const,
      name: "long",
      schema: {
        type: "object",
        properties: { text: { type: "string", minLength: 20_000 } },
        required: ["text"],
        additionalProperties: false,
      },
    },
  },
};

async function collect(events: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
  const all: ResponseStreamEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const follow = (id: string, after?: number) =>
  client.responses.retrieve(id, {
    stream: true,
    ...(after !== undefined && { starting_after: after }),
  });

/** Each answer says which request it answers. */
function withoutRequestId(answer: object): object {
  return Object.fromEntries(Object.entries(answer).filter(([key]) => key !== "request_id"));
}

/** Numbers without gaps; every item begins once, grows, and ends once. */
function assertWhole(events: readonly ResponseStreamEvent[], from = 0): void {
  assert.deepEqual(
    events.map(({ sequence_number }) => sequence_number),
    events.map((_, index) => from + index),
  );
  const states = new Map<string, "open" | "done">();
  for (const event of events) {
    if (event.type === "response.output_item.added") {
      assert.equal(states.get(event.item.id ?? ""), undefined);
      states.set(event.item.id ?? "", "open");
    } else if (event.type === "response.output_text.delta") assert.equal(states.get(event.item_id), "open");
    else if (event.type === "response.output_item.done") {
      assert.equal(states.get(event.item.id ?? ""), "open");
      states.set(event.item.id ?? "", "done");
    }
  }
  assert.deepEqual(
    [...states.values()].filter((state) => state === "open"),
    [],
  );
}

test("a response and what it continues are there after a restart, and gone when they are deleted", async () => {
  const first = await client.responses.create({ input: "One day a girl", ...short });
  const second = await client.responses.create({
    input: "And then?",
    previous_response_id: first.id,
    ...short,
  });
  await server.stop();
  await start();
  assert.deepEqual(withoutRequestId(await client.responses.retrieve(first.id)), withoutRequestId(first));
  const { data } = await client.responses.inputItems.list(second.id);
  assert.deepEqual(data[0]?.type === "message" && data[0].content, [
    { type: "input_text", text: "And then?" },
  ]);
  const third = await client.responses.create({
    input: "And then?",
    previous_response_id: second.id,
    ...short,
  });
  const grown = (third.usage?.input_tokens ?? 0) - (second.usage?.input_tokens ?? 0);
  assert.ok(grown > 6, `${grown} tokens more`);
  // An item that is only named is looked up too.
  const [item] = first.output;
  await client.responses.create({ input: [{ type: "item_reference", id: item?.id ?? "" }], ...short });
  await client.responses.delete(first.id);
  await assert.rejects(
    client.responses.create({ input: "x", previous_response_id: third.id }),
    (error) => error instanceof OpenAI.NotFoundError && error.param === "previous_response_id",
  );
});

test("a conversation is answered in and grows, and its items can be read and taken out", async () => {
  const conversation = await client.conversations.create({
    metadata: { topic: "girls" },
    items: [{ type: "message", role: "user", content: "There was a girl called Lily." }],
  });
  assert.deepEqual((await client.conversations.retrieve(conversation.id)).metadata, { topic: "girls" });
  const alone = await client.responses.create({ input: "Who?", ...short });
  const first = await client.responses.create({ input: "Who?", conversation: conversation.id, ...short });
  assert.deepEqual(first.conversation, { id: conversation.id });
  assert.ok((first.usage?.input_tokens ?? 0) > (alone.usage?.input_tokens ?? 0) + 6);
  await client.responses.create({ input: "Why?", conversation: { id: conversation.id }, ...short });
  const items = await client.conversations.items.list(conversation.id, { order: "asc", limit: 4 });
  const listed: string[] = [];
  for await (const item of items) listed.push(item.type === "message" ? item.role : item.type);
  assert.deepEqual(listed, ["user", "user", "assistant", "user", "assistant"]);
  const [newest] = (await client.conversations.items.list(conversation.id)).data;
  const id = newest?.id ?? "";
  const found = await client.conversations.items.retrieve(id, { conversation_id: conversation.id });
  assert.deepEqual(withoutRequestId(found), newest);
  await client.conversations.items.delete(id, { conversation_id: conversation.id });
  await assert.rejects(client.conversations.items.retrieve(id, { conversation_id: conversation.id }));
  const added = await client.conversations.items.create(conversation.id, {
    items: [{ type: "message", role: "user", content: "Where?" }],
  });
  assert.equal(added.data.length, 1);
  assert.deepEqual((await client.conversations.update(conversation.id, { metadata: { a: "b" } })).metadata, {
    a: "b",
  });
  await assert.rejects(
    client.conversations.items.create(conversation.id, { items: [null as never] }),
    (error) => error instanceof OpenAI.BadRequestError && /items\[0\]/.test(error.message),
  );
  await client.conversations.delete(conversation.id);
  for (const refused of [
    client.conversations.retrieve(conversation.id),
    client.responses.create({ input: "x", conversation: conversation.id }),
  ])
    await assert.rejects(refused, (error) => error instanceof OpenAI.NotFoundError);
  await assert.rejects(
    client.responses.create({ input: "x", conversation: conversation.id, previous_response_id: alone.id }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === "conversation",
  );
});

test("texts that a database can't hold are kept as JSON, or refused by name", async () => {
  const odd = "a\ud800\u0000b";
  const bare = await server.post("/v1/conversations", {
    items: [odd, { id: odd, role: "user", content: odd }],
  });
  assert.equal(bare.status, 200);
  const { id } = (await bare.json()) as { id: string };
  const { data } = await client.conversations.items.list(id, { order: "asc" });
  assert.equal(data.length, 2);
  assert.deepEqual(JSON.parse(JSON.stringify(data[1])).content, [{ type: "input_text", text: odd }]);
  const messages = [{ role: "user", content: "Once" }];
  const refused = [
    ["/v1/chat/completions", { messages, max_tokens: 1, store: true, metadata: { a: odd } }],
    ["/v1/chat/completions", { messages, max_tokens: 1, store: true, metadata: { [odd]: "a" } }],
  ] as const;
  for (const [path, body] of refused) assert.equal((await server.post(path, body)).status, 400);
  const found = await server.get(`/v1/chat/completions?metadata[a]=${encodeURIComponent("\0")}`);
  assert.equal(found.status, 400);
  const response = await server.post("/v1/responses", { input: [{ role: "user", content: odd }], ...short });
  assert.equal(response.status, 200);
});

test("a response in the background is made without its client, and can be followed from any event on", async () => {
  const conversation = await client.conversations.create({});
  const queued = await client.responses.create({
    input: "One day",
    background: true,
    conversation: conversation.id,
    ...short,
  });
  assert.equal(queued.status, "queued");
  const events = await collect(await follow(queued.id));
  assertWhole(events);
  const made = await client.responses.retrieve(queued.id);
  assert.equal(made.status, "incomplete");
  assert.equal(made.background, true);
  const last = events.at(-1);
  assert.ok(last?.type === "response.incomplete");
  assert.deepEqual(last.response.output, made.output);
  const rest = await collect(await follow(queued.id, 3));
  assert.deepEqual(rest, events.slice(4));
  const { data } = await client.conversations.items.list(conversation.id);
  assert.equal(data.length, 2);
  // And as a stream from the start.
  const streamed = await collect(
    await client.responses.create({ input: "One day", background: true, stream: true, ...short }),
  );
  assertWhole(streamed);
  assert.equal(streamed[0]?.type, "response.created");
  // What follows it continues it.
  const next = await client.responses.create({ input: "And?", previous_response_id: queued.id, ...short });
  assert.ok((next.usage?.input_tokens ?? 0) > (made.usage?.input_tokens ?? 0));
});

test("a response in the background is cancelled, and what can't be one is refused at once", async () => {
  // To the end of the window.
  const { id } = await client.responses.create({
    input: "One day",
    background: true,
    ...long,
    max_output_tokens: 5000,
  });
  await until(async () => (await client.responses.retrieve(id)).status !== "queued");
  assert.equal((await client.responses.cancel(id)).status, "cancelled");
  // Cancelled already: said again.
  assert.equal((await client.responses.cancel(id)).status, "cancelled");
  const events = await collect(await follow(id));
  assert.ok(!events.some(({ type }) => type === "response.completed"));
  assert.equal((await client.responses.retrieve(id)).status, "cancelled");
  const usual = await client.responses.create({ input: "x", ...short });
  for (const refused of [
    async () => client.responses.cancel(usual.id),
    async () => follow(usual.id),
    async () => client.responses.create({ input: "x", background: true, store: false }),
    async () =>
      client.responses.create({
        input: "x",
        background: true,
        tool_choice: { type: "function", name: "none" },
      }),
  ])
    await assert.rejects(refused(), (error) => error instanceof OpenAI.BadRequestError);
  await assert.rejects(
    client.responses.cancel("resp_none"),
    (error) => error instanceof OpenAI.NotFoundError,
  );
});

test("a chat completion is stored where that is asked for, streamed or not, and can be found", async () => {
  const request = { messages: [{ role: "user" as const, content: "One day" }], max_tokens: 4, model: "" };
  const { model, id } = await client.chat.completions.create({
    ...request,
    model: (await client.models.list()).data[0]?.id ?? "",
    store: true,
    metadata: { topic: "girls" },
  });
  const streamed = await client.chat.completions.create({ ...request, model, store: true, stream: true });
  let streamedId = "";
  let text = "";
  for await (const chunk of streamed) {
    streamedId = chunk.id;
    text += chunk.choices[0]?.delta.content ?? "";
  }
  await client.chat.completions.create({ ...request, model });
  const listed: string[] = [];
  for await (const completion of client.chat.completions.list({ limit: 1 })) listed.push(completion.id);
  assert.deepEqual(listed, [id, streamedId]);
  const found = await client.chat.completions.list({ metadata: { topic: "girls" }, model });
  assert.deepEqual(
    found.data.map((completion) => completion.id),
    [id],
  );
  const kept = await client.chat.completions.retrieve(streamedId);
  assert.equal(kept.choices[0]?.message.content, text);
  assert.deepEqual((await client.chat.completions.messages.list(id)).data[0]?.content, "One day");
  await client.chat.completions.update(streamedId, { metadata: { topic: "boys" } });
  assert.equal((await client.chat.completions.list({ metadata: { topic: "boys" } })).data.length, 1);
  assert.equal((await client.chat.completions.delete(id)).deleted, true);
  await assert.rejects(
    async () => client.chat.completions.retrieve(id),
    (error) => error instanceof OpenAI.NotFoundError,
  );
});

test("a server that is killed makes its responses in its next life, once", async () => {
  const { id } = await client.responses.create({ input: "One day", background: true, ...long });
  const seen: ResponseStreamEvent[] = [];
  for await (const event of await follow(id)) {
    seen.push(event);
    if (seen.length > 12) break;
  }
  server.process.kill("SIGKILL");
  await once(server.process, "exit");
  const killed = server;
  await start();
  await killed[Symbol.asyncDispose]();
  const rest = await collect(await follow(id, seen.at(-1)?.sequence_number ?? 0));
  assertWhole([...seen, ...rest]);
  const last = rest.at(-1);
  assert.ok(last?.type === "response.incomplete");
  assert.equal(last.response.output.length, 1);
  assert.equal(last.response.usage?.output_tokens, 400);
});
