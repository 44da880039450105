import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { assertError } from "../../support/envelope.ts";
import { haltedEngine } from "../../support/halted-engine.ts";
import { skipWithoutProc } from "../../support/processes.ts";
import { KEY, startServer, type TestServer, until } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server[Symbol.asyncDispose]());

interface Called {
  readonly isError?: boolean;
  readonly content: ReadonlyArray<{ readonly type: string; readonly text?: string }>;
  readonly structuredContent?: Readonly<Record<string, unknown>>;
}

/** The official client: of the revision of 2026-07-28 where it may choose, else beginning with `initialize`. */
async function connect(mode: "auto" | "legacy") {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  const headers = { authorization: `Bearer ${KEY["x-api-key"]}` };
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", server.url), {
    requestInit: { headers },
  });
  await client.connect(transport);
  const call = async (name: string, args: object = {}) =>
    (await client.callTool({ name, arguments: { ...args } })) as Called;
  return { client, call, [Symbol.asyncDispose]: () => client.close() };
}

const chat = { messages: [{ role: "user", content: "One day" }], temperature: 0, max_tokens: 8 };

for (const mode of ["auto", "legacy"] as const) {
  test(`the official client finds the tools, in a fixed order, and calls them (${mode})`, async () => {
    await using connected = await connect(mode);
    const { client, call } = connected;
    assert.equal(client.getServerVersion()?.name, "llm-server");
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      [
        "chat",
        "list_datasets",
        "search_documents",
        "answer_from_documents",
        "evaluate_answer",
        "start_evaluation",
        "get_evaluation",
        "list_models",
        "count_tokens",
        "run_agent",
        "get_agent",
      ],
    );
    for (const { annotations, name } of tools)
      assert.equal(annotations?.readOnlyHint, !["start_evaluation", "run_agent"].includes(name), name);
    const answered = await call("chat", chat);
    const { text, usage, finish_reason } = answered.structuredContent as {
      text: string;
      usage: { completion_tokens: number };
      finish_reason: string;
    };
    assert.equal(answered.content[0]?.text, text);
    assert.equal(usage.completion_tokens, 8);
    assert.equal(finish_reason, "length");
    const again = await call("chat", chat);
    assert.equal(again.content[0]?.text, text);
    const counted = await call("count_tokens", { text: "One day a girl" });
    assert.ok((counted.structuredContent?.["tokens"] as number) > 2);
    const { structuredContent: listed } = await call("list_models");
    const models = listed?.["models"] as readonly unknown[];
    assert.equal(models.length, 1);
  });
}

test("an answer keeps to a schema, and tells how far it is", async () => {
  await using connected = await connect("auto");
  const schema = { type: "object", properties: { n: { enum: [1, 2] } }, required: ["n"] };
  const answered = await connected.call("chat", { ...chat, max_tokens: 60, schema });
  assert.ok([1, 2].includes(JSON.parse(answered.content[0]?.text ?? "").n));
  const told: number[] = [];
  await connected.client.callTool(
    { name: "chat", arguments: { ...chat, max_tokens: 700 } },
    { onprogress: ({ progress }) => told.push(progress) },
  );
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  );
});

test("an agent is run, and looked at afterwards", async () => {
  await using connected = await connect("auto");
  const ran = await connected.call("run_agent", { task: "One day", wait_seconds: 0 });
  const { session_id } = ran.structuredContent as { session_id: string };
  const show = async () => (await connected.call("get_agent", { session_id })).structuredContent;
  await until(async () => (await show())?.["status"] === "idle");
  // The model is too small for tools: what matters is that there is an end, and that it is told.
  const { answer, error } = (await show()) as { answer: string | null; error: string | null };
  assert.notEqual(answer ?? error, null);
});

test("documents are searched and answered from, and an evaluation is started and looked at", async () => {
  const corpus = await server.post("/v1/datasets", {
    name: "animals",
    type: "rag_corpus",
    records: [
      { text: "The cat Mia sleeps on the red sofa in the kitchen." },
      { text: "The dog Rex guards the garden at night." },
    ],
  });
  const { dataset_id } = (await corpus.json()) as { dataset_id: string };
  await using connected = await connect("auto");
  const { call } = connected;
  const question = { query: "Where does the cat sleep?", dataset_id, top_k: 1 };
  await until(async () => (await call("search_documents", question)).isError !== true);
  const found = await call("search_documents", question);
  assert.match(found.content[0]?.text ?? "", /^\[1\] rec_0\n.*red sofa/);
  const answered = await call("answer_from_documents", { ...question, max_new_tokens: 8 });
  const citations = answered.structuredContent?.["citations"] as ReadonlyArray<{ doc_id: string }>;
  assert.equal(citations[0]?.doc_id, "rec_0");
  const { structuredContent: listed } = await call("list_datasets");
  const datasets = listed?.["datasets"] as readonly unknown[];
  assert.equal(datasets.length, 1);
  const judged = await call("evaluate_answer", {
    prompt: "2+2?",
    response: "4",
    reference: "4",
    metrics: ["exact_match"],
  });
  assert.ok(judged.isError === true || judged.structuredContent?.["scores"] !== undefined);
  const none = await call("get_evaluation", { run_id: "run_none" });
  assert.equal(none.isError, true);
  assert.match(none.content[0]?.text ?? "", /run_none/);
});

test("wrong arguments and unknown tools are told, and nothing is answered without the key", async () => {
  await using connected = await connect("auto");
  const wrong = await connected.call("chat", { messages: [] });
  assert.equal(wrong.isError, true);
  for (const text of ["a\0", "\ud800"]) {
    const unreadable = await connected.call("count_tokens", { text });
    assert.equal(unreadable.isError, true);
    assert.match(unreadable.content[0]?.text ?? "", /text/);
  }
  assert.equal((await connected.call("count_tokens", { text: "日本語 🎉" })).isError, undefined);
  const unknown = await connected.call("chat", { ...chat, model: "none" });
  assert.equal(unknown.isError, true);
  assert.match(unknown.content[0]?.text ?? "", /none/);
  await assert.rejects(connected.client.callTool({ name: "nothing", arguments: {} }), /nothing/);
  const message = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  const refused = await server.post("/mcp", message, { accept: "application/json, text/event-stream" });
  await assertError(refused, { status: 401, code: "unauthorized" });
  assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer/);
  const foreign = await server.post("/mcp", message, { ...KEY, origin: "https://example.com" });
  assert.equal(foreign.status, 403);
});

test("a client that leaves ends what it asked for", { skip: skipWithoutProc }, async () => {
  await using connected = await connect("auto");
  const controller = new AbortController();
  const ask = () =>
    connected.client.callTool(
      { name: "chat", arguments: { ...chat, max_tokens: 900, seed: 1 } },
      { signal: controller.signal },
    );
  const line = () =>
    server.log.find(({ msg, path, status }) => msg === "request" && path === "/mcp" && status === 499);
  // While the engine stands still the answer can't end first.
  const { engine, running } = await haltedEngine(server, ask);
  controller.abort();
  await assert.rejects(running);
  process.kill(engine, "SIGCONT");
  await until(() => line() !== undefined);
});

test("programs that start their MCP servers themselves speak to this one over standard input and output", async () => {
  const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
  for (const mode of ["auto", "legacy"] as const) {
    const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [main, "mcp", "--url", server.url],
      stderr: "inherit",
    });
    // A check that fails leaves no program behind, for which this one would wait.
    await using _closed = { [Symbol.asyncDispose]: () => client.close() };
    await client.connect(transport);
    assert.equal((await client.listTools()).tools.length, 11);
    const told: number[] = [];
    const answered = (await client.callTool(
      { name: "chat", arguments: { ...chat } },
      { onprogress: ({ progress }) => told.push(progress) },
    )) as Called;
    assert.notEqual(answered.content[0]?.text, "");
  }
  const away = new Client({ name: "test", version: "1" });
  const nowhere = new StdioClientTransport({
    command: process.execPath,
    args: [main, "mcp", "--url", "http://127.0.0.1:1"],
    stderr: "inherit",
  });
  await assert.rejects(away.connect(nowhere), /npm start/);
  await away.close();
});
