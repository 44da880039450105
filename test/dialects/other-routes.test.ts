import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { type Sample, typeErrors } from "../support/client-types.ts";
import { BUILTIN } from "../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../support/openai-server.ts";
import { json, KEY } from "../support/server.ts";

let started: OpenAiServer;
let openai: OpenAI;
let anthropic: Anthropic;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN, MODEL_ALIASES: "gpt-4o=builtin,*" } });
  const { url } = started.server;
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: url, apiKey: "dev-local-key", maxRetries: 0 });
});
after(() => started[Symbol.asyncDispose]());

const hi = [{ role: "user" as const, content: "hi" }];

test("any name is served where * is an alias, and answers repeat it", async () => {
  const name = "claude-haiku-4-5-20251001";
  assert.equal((await anthropic.messages.create({ model: name, max_tokens: 1, messages: hi })).model, name);
  assert.equal(
    (await json<{ model: string }>(started.chat({ model: "a/b:c", max_tokens: 1 }))).model,
    "a/b:c",
  );
  const { data } = await openai.models.list();
  assert.deepEqual(
    data.map(({ id }) => id),
    ["builtin", "gpt-4o"],
  );
});

test("models have the shape and the fields that clients of each API look for", async () => {
  const page = await anthropic.models.list();
  assert.deepEqual([page.has_more, page.first_id, page.last_id], [false, "builtin", "gpt-4o"]);
  for (const model of [page.data[0], await anthropic.models.retrieve("builtin")]) {
    assert.equal(model?.type, "model");
    assert.equal(model.display_name, "builtin");
    assert.equal(model.max_input_tokens, 1024);
    assert.ok(!Number.isNaN(Date.parse(model.created_at)));
  }
  const [own] = await json<{ data: Array<Record<string, unknown>>; models: unknown[] }>(
    started.server.get("/v1/models/"),
  ).then(({ data, models }) => {
    assert.deepEqual(models, []);
    return data;
  });
  for (const field of ["context_window", "context_length", "max_model_len"]) assert.equal(own?.[field], 1024);
});

test("paths are found without /v1, and with it twice", async () => {
  const body = { model: "builtin", messages: hi, max_tokens: 1 };
  for (const [path, fields] of [
    ["/chat/completions", {}],
    ["/v1/v1/chat/completions", {}],
    ["/messages", {}],
    ["/completions", { prompt: "hi" }],
    ["/responses", { input: "hi" }],
  ] as const)
    assert.equal((await started.server.post(`${path}?beta=true`, { ...body, ...fields })).status, 200, path);
  assert.equal((await started.server.get("/models")).status, 200);
  assert.equal((await started.server.get("/models", {})).status, 401);
  assert.equal((await started.server.post("/chat/completions", body, {})).status, 401);
  assert.equal((await started.server.get("/v1/v1/v1/models")).status, 404);
  // `/chat` is a route of this server's own.
  assert.equal((await started.server.post("/chat", { prompt: "hi", max_new_tokens: 1 }, {})).status, 200);
});

test("input is counted, and listed afterwards, by OpenAI's own client", async () => {
  const asked = { model: "builtin", instructions: "Be brief.", input: hi };
  const { input_tokens: counted } = await openai.responses.inputTokens.count(asked);
  const response = await openai.responses.create({ ...asked, max_output_tokens: 1 });
  assert.equal(response.usage?.input_tokens, counted);
  const items = await openai.responses.inputItems.list(response.id);
  assert.deepEqual(
    items.data.map((item) => item.type === "message" && item.content),
    [[{ type: "input_text", text: "hi" }]],
  );
  const next = await openai.responses.create({
    model: "builtin",
    previous_response_id: response.id,
    input: ["a", "b", "c"].map((content) => ({ role: "user" as const, content })),
    max_output_tokens: 1,
  });
  const texts: unknown[] = [];
  for await (const item of openai.responses.inputItems.list(next.id, { limit: 2, order: "asc" }))
    texts.push(item.type === "message" && item.content[0]?.type === "input_text" && item.content[0].text);
  assert.deepEqual(texts, ["a", "b", "c"]);
  await assert.rejects(openai.responses.inputItems.list("resp_none"), OpenAI.NotFoundError);
  await openai.responses.delete(response.id);
  await assert.rejects(openai.responses.retrieve(response.id), OpenAI.NotFoundError);
});

test("a line that Claude Code changes with each request ends no cached prefix", async () => {
  const ask = (line: string) =>
    anthropic.messages.create({
      model: "builtin",
      max_tokens: 1,
      system: [
        { type: "text", text: `x-anthropic-billing-header: cc_version=2.1.332; cch=${line};` },
        { type: "text", text: "The sea is calm tonight. ".repeat(20) },
      ],
      messages: hi,
    });
  const first = await ask("0aaa1");
  const second = await ask("0bbb2");
  assert.ok(first.usage.input_tokens > 100);
  assert.ok((second.usage.cache_read_input_tokens ?? 0) > first.usage.input_tokens - 32);
});

test("a prompt's rest of the window is a limit on every route", async () => {
  const { server } = started;
  const post = <T>(url: string, body: object) => json<T>(server.post(url, { model: "builtin", ...body }));
  const completion = await post<{ choices: [{ finish_reason: string }]; usage: { total_tokens: number } }>(
    "/v1/completions",
    { prompt: "and then ".repeat(300), max_tokens: 64_000 },
  );
  assert.ok(completion.usage.total_tokens <= 1024);
  const chat = await post<{ total_tokens: number; finish_reason: string }>("/v1/chat", {
    prompt: "and then ".repeat(100),
    max_new_tokens: null,
    seed: 1,
  });
  assert.ok(chat.total_tokens <= 1024);
  const refused = await server.post("/v1/chat", { prompt: "and then ".repeat(300), max_new_tokens: 1000 });
  const { error } = await json<{ error: { code: string; details: Record<string, number> } }>(refused);
  assert.equal(error.code, "context_length_exceeded");
  assert.equal(error.details["max_new_tokens"], 1000);
});

test("twenty requests at once end well with the clients' own retries", async () => {
  const patient = new OpenAI({ baseURL: `${started.server.url}/v1`, apiKey: KEY["x-api-key"] });
  const claude = new Anthropic({ baseURL: started.server.url, apiKey: KEY["x-api-key"] });
  const asked = { model: "builtin", messages: hi, max_tokens: 16 };
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      if (index % 2 === 0) return (await patient.chat.completions.create(asked)).usage?.completion_tokens;
      return (await claude.messages.create(asked)).usage.output_tokens;
    }),
  );
  assert.equal(answers.filter((tokens) => tokens !== undefined && tokens > 0).length, 20);
});

test("the other routes' answers have the types that the SDKs give them", async () => {
  const { server } = started;
  const anthropicKey = { ...KEY, "anthropic-version": "2023-06-01" };
  const post = (url: string, body: object) => json<object>(server.post(url, { model: "builtin", ...body }));
  const response = await post("/v1/responses", { input: hi, max_output_tokens: 1 });
  const { id } = response as { id: string };
  const refused = await json<{ error: object }>(
    server.post("/v1/messages", { model: "builtin", messages: hi }),
  );
  const { type, message } = refused.error as { type: string; message: string };
  const called = await json<{ data: object[] }>(server.get("/v1/models", anthropicKey));
  const items = await json<{ object: string; data: object[] }>(server.get(`/v1/responses/${id}/input_items`));
  const embedded = await json<{ usage: { prompt_tokens: number; total_tokens: number } }>(
    server.post("/v1/embeddings", { input: ["a"] }),
  );
  const { prompt_tokens, total_tokens } = embedded.usage;
  const samples: Sample[] = [
    { type: 'Omit<Responses.Response, "output_text">', value: await json(server.get(`/v1/responses/${id}`)) },
    { type: "ResponseItemList", value: items },
    { type: "InputTokenCountResponse", value: await post("/v1/responses/input_tokens", { input: hi }) },
    {
      type: "Anthropic.MessageTokensCount",
      value: await post("/v1/messages/count_tokens", { messages: hi }),
    },
    // Beside OpenAI's fields usage has an extra of this server's.
    { type: "CreateEmbeddingResponse", value: { ...embedded, usage: { prompt_tokens, total_tokens } } },
    ...called.data.map((value) => ({ type: "ModelInfo", value })),
    { type: "Omit<ErrorResponse, 'request_id'>", value: { ...refused, error: { type, message } } },
  ];
  assert.deepEqual(typeErrors(samples), []);
});

test("a body of a megabyte is too long by its tokens, and not by its bytes", async () => {
  const refused = await started.chat({ messages: [{ role: "user", content: "and then ".repeat(140_000) }] });
  assert.equal(refused.status, 400);
  const { error } = await json<{ error: { code: string; message: string } }>(refused);
  assert.equal(error.code, "context_length_exceeded");
  assert.match(error.message, /maximum context length is 1024 tokens/);
});
