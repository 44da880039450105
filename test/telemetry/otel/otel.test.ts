import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { readTraceparent } from "../../../src/telemetry/otel/trace-context.ts";
import { BUILTIN } from "../../support/model.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: ReadonlyArray<{ key: string; value: Readonly<Record<string, unknown>> }>;
  readonly status: { readonly code?: number };
}
interface Export {
  readonly resourceSpans: ReadonlyArray<{
    resource: { attributes: Span["attributes"] };
    scopeSpans: ReadonlyArray<{ spans: readonly Span[] }>;
  }>;
}

const CANARY = "zebracanary";
const parent = { trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7" };
const traceparent = (flags: string) => `00-${parent.trace}-${parent.span}-${flags}`;

/** Stands in for a collector: takes OTLP in JSON over HTTP. */
const bodies: string[] = [];
const collector = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (text: string) => {
    body += text;
  });
  request.on("end", () => {
    assert.equal(request.url, "/v1/traces");
    assert.equal(request.headers["api-key"], "a b");
    bodies.push(body);
    response.setHeader("content-type", "application/json").end("{}");
  });
});

let server: TestServer;
before(async () => {
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as { port: number };
  server = await startServer({
    env: {
      MODEL_NAME: BUILTIN,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b",
    },
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  collector.close();
});

test("each request becomes a span of its client's trace, with its phases, and no text", async () => {
  const headers = { "x-api-key": "dev-local-key", "x-request-id": "traced", traceparent: traceparent("01") };
  const messages = [{ role: "user", content: `What is a ${CANARY}?` }];
  const body = { messages, max_tokens: 6, ignore_eos: true };
  const { usage } = await json<{ usage: { prompt_tokens: number } }>(
    server.post("/v1/chat/completions", body, headers),
  );
  await server.post("/v1/chat/completions", body, { ...headers, traceparent: traceparent("00") });
  await server.post("/v1/completions", { prompt: 3 });
  // What waits is sent before the process ends.
  assert.equal(await server.stop(), 0);
  const exports = bodies.map((text) => JSON.parse(text) as Export);
  const spans = exports.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
  const servers = spans.filter(({ kind }) => kind === 2);
  assert.deepEqual(
    servers.map(({ name }) => name),
    ["POST /v1/chat/completions", "POST /v1/completions"],
  );
  const [traced, refused] = servers;
  assert.ok(traced !== undefined && refused !== undefined);
  assert.equal(traced.traceId, parent.trace);
  assert.equal(traced.parentSpanId, parent.span);
  assert.match(refused.traceId, /^[0-9a-f]{32}$/);
  assert.equal(refused.parentSpanId, undefined);
  const fact = (key: string) => traced.attributes.find((attribute) => attribute.key === key)?.value;
  assert.deepEqual(fact("gen_ai.usage.input_tokens"), { intValue: String(usage.prompt_tokens) });
  assert.deepEqual(fact("gen_ai.usage.output_tokens"), { intValue: "6" });
  assert.deepEqual(fact("gen_ai.response.finish_reasons"), {
    arrayValue: { values: [{ stringValue: "length" }] },
  });
  assert.deepEqual(fact("llm_server.request_id"), { stringValue: "traced" });
  assert.ok(fact("llm_server.limiter") !== undefined);
  const phases = spans.filter(({ parentSpanId }) => parentSpanId === traced.spanId);
  assert.deepEqual(
    phases.map(({ name }) => name),
    ["queue", "prefill", "decode"],
  );
  let until = BigInt(traced.startTimeUnixNano);
  for (const { startTimeUnixNano, endTimeUnixNano } of phases) {
    // Ends and beginnings are rounded to nanoseconds.
    assert.ok(
      BigInt(startTimeUnixNano) >= until - 1000n && BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano),
    );
    until = BigInt(endTimeUnixNano);
  }
  assert.ok(until <= BigInt(traced.endTimeUnixNano) + 1000n);
  for (const text of bodies) assert.equal(text.includes(CANARY), false);
});

test("what is not a traceparent begins a trace of its own", () => {
  assert.deepEqual(readTraceparent(traceparent("01")), {
    traceId: parent.trace,
    parentSpanId: parent.span,
    isSampled: true,
  });
  assert.equal(readTraceparent(traceparent("02"))?.isSampled, false);
  for (const header of [
    undefined,
    "",
    "nonsense",
    traceparent("01").replace("00-", "ff-"),
    `00-${"0".repeat(32)}-${parent.span}-01`,
    `00-${parent.trace}-${"0".repeat(16)}-01`,
    traceparent("01").toUpperCase(),
    `${traceparent("01")}-more`,
  ])
    assert.equal(readTraceparent(header), undefined, header);
  // A later version may say more.
  assert.ok(readTraceparent(`${traceparent("01").replace("00-", "01-")}-more`) !== undefined);
});
