import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BUILTIN } from "../../support/model.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { MODEL_NAME: BUILTIN, CONTEXT_SIZE: "1024" } });
});
after(() => server[Symbol.asyncDispose]());

const model = "builtin";
const options = { temperature: 0, num_predict: 24 };
const messages = [{ role: "user", content: "What is the capital of France?" }];
/** Without a key, as Ollama's clients send requests. */
const post = (path: string, body: object) => server.post(path, { model, options, ...body }, {});

interface Line {
  readonly done: boolean;
  readonly done_reason?: string;
  readonly response?: string;
  readonly message?: {
    readonly content: string;
    readonly tool_calls?: ReadonlyArray<{ function: { name: string; arguments: object } }>;
  };
  readonly eval_count?: number;
  readonly prompt_eval_count?: number;
  readonly not_honoured?: ReadonlyArray<{ param: string }>;
  readonly error?: string;
}

async function lines(response: Response): Promise<Line[]> {
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  return (await response.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

test("a chat streams lines that add up to the whole answer", async () => {
  const streamed = await lines(await post("/api/chat", { messages }));
  const answer = await json<Line>(post("/api/chat", { messages, stream: false }));
  assert.equal(streamed.map(({ message }) => message?.content).join(""), answer.message?.content);
  assert.ok((answer.message?.content ?? "").length > 0);
  const last = streamed.at(-1);
  assert.equal(last?.done, true);
  assert.equal(last.eval_count, answer.eval_count);
  assert.ok((last.prompt_eval_count ?? 0) > 0);
});

test("a prompt is answered as a chat of one message is", async () => {
  const chat = await json<Line>(post("/api/chat", { messages, stream: false }));
  const generated = await json<Line>(post("/api/generate", { prompt: messages[0]?.content, stream: false }));
  assert.equal(generated.response, chat.message?.content);
});

test("an empty request loads the model, and says so", async () => {
  for (const path of ["/api/chat", "/api/generate"]) {
    const [line, ...others] = await lines(await post(path, {}));
    assert.equal(line?.done_reason, "load");
    assert.deepEqual(others, []);
  }
});

test("a format holds the answer to its schema", async () => {
  const format = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
  const answer = await json<Line>(post("/api/chat", { messages, format, stream: false, options: {} }));
  assert.match(answer.message?.content ?? "", /^\{\s*"ok":\s*(true|false)\s*\}$/);
});

test("num_predict beyond the window ends the answer there", async () => {
  const answer = await json<Line>(
    post("/api/generate", { prompt: "hi", stream: false, options: { temperature: 0, num_predict: 64_000 } }),
  );
  assert.equal(answer.done, true);
});

test("calls and results of a history are taken, and a wish is told", async () => {
  const history = [
    ...messages,
    { role: "assistant", content: "", tool_calls: [{ function: { name: "look", arguments: { at: "x" } } }] },
    { role: "tool", tool_name: "look", content: "seen" },
  ];
  const answer = await json<Line>(
    post("/api/chat", { messages: history, stream: false, options: { num_ctx: 8192, num_predict: 2 } }),
  );
  assert.equal(answer.done, true);
  assert.deepEqual(
    answer.not_honoured?.map(({ param }) => param),
    ["options.num_ctx"],
  );
});

test("errors are texts, with their status", async () => {
  const stranger = await server.post("/api/chat", { model: "none", messages }, {});
  assert.equal(stranger.status, 404);
  assert.match((await json<{ error: string }>(stranger)).error, /not served here/);
  const image = await post("/api/chat", { messages: [{ role: "user", content: "x", images: ["AAAA"] }] });
  assert.equal(image.status, 400);
  const long = await post("/api/generate", { prompt: "and then ".repeat(3000) });
  assert.equal(long.status, 400);
  assert.match((await json<{ error: string }>(long)).error, /maximum context length is 1024 tokens/);
});

test("models are listed, shown, and found with a tag behind their names", async () => {
  const { models } = await json<{ models: Array<{ name: string; details: { format: string } }> }>(
    server.get("/api/tags", {}),
  );
  assert.deepEqual(
    models.map(({ name }) => name),
    [model],
  );
  assert.equal(models[0]?.details.format, "gguf");
  const shown = await json<{ model_info: Record<string, unknown>; capabilities: string[] }>(
    post("/api/show", { model: `${model}:latest` }),
  );
  assert.equal(shown.model_info["llama.context_length"], 1024);
  assert.ok(shown.capabilities.includes("completion"));
  assert.equal((await json<{ models: unknown[] }>(server.get("/api/ps", {}))).models.length, 1);
  assert.match((await json<{ version: string }>(server.get("/api/version", {}))).version, /^\d+\.\d+\.\d+$/);
});

test("a body without a JSON content type is taken from programs, as Ollama's examples send it", async () => {
  const body = JSON.stringify({ model, options, messages, stream: false });
  const curl = { "content-type": "application/x-www-form-urlencoded" };
  const sent = (headers: Record<string, string>) =>
    fetch(`${server.url}/api/chat`, { method: "POST", headers, body });
  assert.equal((await json<Line>(sent(curl))).done, true);
  assert.equal((await json<Line>(sent({ "content-type": "text/plain" }))).done, true);
  // What a page can send without asking first names the page, whether it may call or not.
  for (const origin of ["https://evil.example", "null"])
    assert.equal((await sent({ ...curl, origin })).status, 403);
  assert.equal((await sent({ ...curl, origin: "http://localhost:3000" })).status, 415);
  const asJson = { "content-type": "application/json", origin: "http://localhost:3000" };
  assert.equal((await sent(asJson)).status, 200);
  const broken = await fetch(`${server.url}/api/chat`, { method: "POST", headers: curl, body: "{" });
  assert.equal(broken.status, 400);
});

test("levels of thought are taken, and a pinned model is not unloaded", async () => {
  for (const think of [true, false, "low", "high"]) {
    const answer = await json<Line>(post("/api/chat", { messages, think, keep_alive: "5m", stream: false }));
    assert.equal(answer.done, true);
    assert.equal(answer.not_honoured, undefined);
  }
  const unloaded = await json<Line>(post("/api/generate", { prompt: "hi", keep_alive: 0, stream: false }));
  assert.deepEqual(
    unloaded.not_honoured?.map(({ param }) => param),
    ["keep_alive"],
  );
});
