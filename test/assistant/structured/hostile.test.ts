import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { json, KEY, readEvents, startServer, type TestServer } from "../../support/server.ts";
import { hostileSchemas } from "./hostile-schemas.ts";

let server: TestServer;
let model: string;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "4", KV_CACHE_MEMORY: "64MiB" } });
  model = (await json<{ data: Array<{ id: string }> }>(server.get("/v1/models"))).data[0]?.id ?? "";
});
after(() => server[Symbol.asyncDispose]());

const body = (fields: object) => ({
  model,
  messages: [{ role: "user", content: "Once upon a time" }],
  ...fields,
});

/** `response_format` as text: the deepest schemas are too deep for JSON.stringify. */
function formatOf(schema: unknown): string {
  let text = "";
  let rest = schema;
  let closing = "";
  const wraps: ReadonlyArray<readonly [key: string, before: string, after: string]> = [
    ["items", '{"type":"array","items":', "}"],
    ["anyOf", '{"anyOf":[', "]}"],
  ];
  for (let depth = 0; depth < 5000; depth++) {
    const keys = Object.keys(rest as object).filter((key) => key !== "type");
    const wrap = keys.length === 1 ? wraps.find(([key]) => key === keys[0]) : undefined;
    if (wrap === undefined) break;
    const inner = (rest as Record<string, unknown>)[wrap[0]];
    if (Array.isArray(inner) && inner.length !== 1) break;
    rest = Array.isArray(inner) ? inner[0] : inner;
    text += wrap[1];
    closing = wrap[2] + closing;
  }
  return `{"type":"json_schema","json_schema":{"name":"hostile","schema":${text}${JSON.stringify(rest)}${closing}}}`;
}

for (const [name, schema] of Object.entries(hostileSchemas)) {
  test(`hostile schema: ${name} is answered while another stream goes on`, async () => {
    const leave = new AbortController();
    // Forbidding the end makes the stream as long as its limit, so that it is still running when the answer comes.
    const stream = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...KEY },
      body: JSON.stringify(body({ stream: true, max_tokens: 400, grammar: "root ::= [a-z ]{500}" })),
      signal: leave.signal,
    });
    const events = readEvents(stream)[Symbol.asyncIterator]();
    await events.next();
    const request = JSON.stringify(body({ max_tokens: 8, temperature: 1, seed: 1 }));
    const answer = await server.post(
      "/v1/chat/completions",
      `${request.slice(0, -1)},"response_format":${formatOf(schema)}}`,
    );
    const said = await json<{ error?: { param: string | null; message: string }; choices?: unknown[] }>(
      answer,
    );
    assert.ok(answer.status === 200 || answer.status === 400, JSON.stringify(said).slice(0, 300));
    // The deepest ones are refused before anybody knows which field they are in.
    if (answer.status === 400) {
      assert.match(
        said.error?.param ?? said.error?.message ?? "",
        /^response_format\.json_schema\.schema|nests deeper/,
      );
    }
    // The other stream was not starved: tokens of it came meanwhile, and more of them come.
    const next = await events.next();
    assert.equal(next.done, false, "the other stream had time to end");
    leave.abort();
    await events.return?.().catch(() => {});
  });
}

for (const [name, grammar] of Object.entries({
  "brackets that overflow a stack": `root ::= ${"(".repeat(50_000)}"a"${")".repeat(50_000)}`,
  "a grammar without a text": 'root ::= "a" root',
  "more elements than are followed": `root ::= ${'("a"|"b"){100}'.repeat(1000)}`,
})) {
  test(`hostile grammar: ${name} are refused by name, on both routes, and the engine lives on`, async () => {
    for (const [url, fields] of [
      ["/v1/chat/completions", body({ grammar })],
      ["/v1/completions", { model, prompt: "x", grammar }],
    ] as const) {
      const answer = await server.post(url, fields);
      assert.equal(answer.status, 400);
      assert.equal((await json<{ error: { param: string } }>(answer)).error.param, "grammar");
    }
    assert.equal((await server.post("/v1/chat/completions", body({ max_tokens: 2 }))).status, 200);
    assert.ok(!server.log.some(({ level }) => level === "error"));
  });
}

for (const [name, grammar] of Object.entries({
  "ambiguity behind 49 characters": `root ::= "${"x".repeat(49)}" b\nb ::= "a" b "c" | "a" b "d" | "e"`,
  "as many readings as there are texts": 'root ::= s\ns ::= s s | "a" | s s s',
  "25,000 rules": `root ::= r0\n${Array.from({ length: 25_000 }, (_, at) => `r${at} ::= "a" r${Math.min(at + 1, 24_999)} | "b"`).join("\n")}`,
  "comments that end with a carriage return": 'root ::= "a" # one\r\n  | "b" # two\r\n',
  "a class of nothing": 'root ::= [] | "a"',
})) {
  test(`hostile grammar: ${name} is followed, or refused by name`, async () => {
    const answer = await server.post("/v1/chat/completions", body({ grammar, max_tokens: 24 }));
    assert.ok(answer.status === 200 || answer.status === 400);
    if (answer.status === 400)
      assert.equal((await json<{ error: { param: string } }>(answer)).error.param, "grammar");
    assert.equal((await server.post("/v1/chat/completions", body({ max_tokens: 2 }))).status, 200);
    assert.ok(!server.log.some(({ level }) => level === "error"));
  });
}
