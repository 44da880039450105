import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { greedy } from "../support/chat.ts";
import { type RawResponse, rawGet, rawPost, sendRaw } from "../support/raw-http.ts";
import { metric, startServer, type TestServer, until } from "../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { BODY_LIMIT: "1MiB" } });
});
after(() => server[Symbol.asyncDispose]());

const small = Buffer.from(JSON.stringify({ ...greedy, max_new_tokens: 1 }));
const head = (...lines: string[]) => `${lines.join("\r\n")}\r\n\r\n`;

function assertEnvelope({ status, headers, body }: RawResponse, expected: number): void {
  assert.equal(status, expected, body);
  const { error, request_id } = JSON.parse(body);
  assert.equal(error.code, "invalid_request");
  assert.match(headers["x-request-id"] ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(headers["x-request-id"], request_id);
  assert.match(headers["x-latency-ms"] ?? "", /^\d+$/);
}

for (const [name, request, status] of [
  ["no HTTP", "nonsense\r\n\r\n", 400],
  [
    "two lengths that could smuggle a request",
    head("POST /chat HTTP/1.1", "host: localhost", "content-length: 4", "transfer-encoding: chunked") +
      "0\r\n\r\nGET /",
    400,
  ],
  [
    "two content-lengths",
    head("POST /chat HTTP/1.1", "host: localhost", "content-length: 4", "content-length: 5"),
    400,
  ],
  [
    "a line break within a header",
    head("GET /healthz HTTP/1.1", "host: localhost", "x-request-id: a\rb"),
    400,
  ],
  ["an unknown method", head("FROB /chat HTTP/1.1", "host: localhost"), 400],
  ["headers of more than 16 KiB", rawGet("/healthz", [`x-long: ${"x".repeat(20_000)}`]), 431],
  ["no host", head("GET /healthz HTTP/1.1", "connection: close"), 400],
] as const) {
  test(`${name} is refused in the envelope, and the connection closed`, async () => {
    assertEnvelope(await sendRaw(server, request), status);
  });
}

test("refusals of the parser are counted", async () => {
  await sendRaw(server, "nonsense\r\n\r\n");
  const metrics = await (await server.get("/v1/metrics")).text();
  assert.match(metrics, /http_requests_total\{method="unknown",route="unparsed",status="400"\} [1-9]/);
});

test("garbage behind a request is not answered in the middle of its stream", async () => {
  const body = Buffer.from(JSON.stringify({ ...greedy, stream: true, max_new_tokens: 200 }));
  const response = await sendRaw(
    server,
    Buffer.concat([rawPost("/chat", body), Buffer.from("garbage\r\n\r\n")]),
  );
  assert.doesNotMatch(response.body, /HTTP\/1\.1|invalid_request/);
});

test("a compressed body is 415, and says so instead of calling it broken", async () => {
  const response = await sendRaw(server, rawPost("/chat", small, ["content-encoding: gzip"]));
  assert.equal(response.status, 415);
  assert.match(JSON.parse(response.body).error.message, /content-encoding gzip is not supported/);
  const plain = await sendRaw(server, rawPost("/chat", small, ["content-encoding: identity"]));
  assert.equal(plain.status, 200);
});

test("a chunked body without a length is cut off at the limit", async () => {
  const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
  const request = head(
    "POST /chat HTTP/1.1",
    "host: localhost",
    "content-type: application/json",
    "transfer-encoding: chunked",
  );
  const response = await sendRaw(server, request + chunk.repeat(40));
  assert.equal(response.status, 413);
  assert.equal(JSON.parse(response.body).error.code, "payload_too_large");
});

test("requests in one packet are answered in their order", async () => {
  const keepAlive = Buffer.from(rawPost("/chat", small).toString().replace("connection: close\r\n", ""));
  const response = await sendRaw(
    server,
    Buffer.concat([keepAlive, keepAlive, Buffer.from(rawGet("/healthz"))]),
  );
  const statuses = [...`HTTP/1.1 ${response.status} ${response.body}`.matchAll(/HTTP\/1\.1 (\d+)/g)];
  assert.deepEqual(
    statuses.map(([, status]) => status),
    ["200", "200", "200"],
  );
  assert.match(response.body, /"status":"ok","request_id":"[^"]+"\}$/);
});

test("a client that waits for 100 Continue is told to go on", async () => {
  const request = rawPost("/chat", small, ["expect: 100-continue"]);
  const split = request.indexOf("\r\n\r\n") + 4;
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.write(request.subarray(0, split));
  const [first] = (await once(socket, "data")) as [Buffer];
  assert.match(first.toString(), /^HTTP\/1\.1 100 Continue/);
  socket.write(request.subarray(split));
  let rest = "";
  for await (const chunk of socket.setEncoding("utf8")) rest += chunk;
  assert.match(rest, /^HTTP\/1\.1 200 OK/);
});

test("numbers beyond what JSON numbers can be are refused by name", async () => {
  for (const field of ["temperature", "max_new_tokens", "seed"]) {
    const body = Buffer.from(`{"prompt":"a","${field}":1e400}`);
    const response = await sendRaw(server, rawPost("/chat", body));
    assert.equal(response.status, 400, field);
    assert.equal(JSON.parse(response.body).error.param, field);
  }
});

test("what is wrong with the body of a request that has no route is not what is answered", async () => {
  for (const [path, status] of [
    ["/nowhere", 404],
    ["/healthz", 405],
  ] as const) {
    const response = await sendRaw(server, rawPost(path, Buffer.from("{")));
    assert.equal(response.status, status);
  }
});

test("an endless path is shown and logged in part", async () => {
  const response = await server.get(`/${"a".repeat(10_000)}`);
  assert.equal(response.status, 404);
  assert.ok((await response.text()).length < 2000);
  await until(() => server.log.some((line) => String(line["path"]).startsWith("/aaa")));
  for (const line of server.log) assert.ok(String(line["path"] ?? "").length < 2000);
});

test("a thousand idle connections, and some that never finish a request, hold up no other client", async () => {
  const { hostname, port } = new URL(server.url);
  const sockets = Array.from({ length: 1000 }, (_, index) => {
    const socket = connect(Number(port), hostname);
    if (index % 2 === 0) socket.write("POST /chat HTTP/1.1\r\nhost: localhost\r\ncontent-le");
    return socket;
  });
  try {
    await Promise.all(sockets.map((socket) => socket.readyState === "open" || once(socket, "connect")));
    assert.equal((await server.post("/chat", greedy)).status, 200);
    assert.equal(await metric(server, "inference_running_sequences"), 0);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});
