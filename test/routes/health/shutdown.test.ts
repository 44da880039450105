import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { chat, greedy } from "../../support/chat.ts";
import { assertError } from "../../support/envelope.ts";
import { childrenOf, enginePid, isAlive, skipWithoutProc } from "../../support/processes.ts";
import { json, metric, readEvents, startServer, type TestServer, until } from "../../support/server.ts";

const long = { ...greedy, max_new_tokens: 480, stream: true };

/** `count` streams that wait for the rest of their text while the engine stands still. */
async function haltedStreams(server: TestServer, count: number): Promise<Response[]> {
  const engine = enginePid(server);
  for (;;) {
    const streams = await Promise.all(Array.from({ length: count }, () => server.post("/chat", long)));
    process.kill(engine, "SIGSTOP");
    if ((await metric(server, "inference_running_sequences")) === count) return streams;
    // The engine was quicker than this process, which a busy machine lets run late.
    process.kill(engine, "SIGCONT");
    await Promise.all(streams.map((stream) => stream.text()));
  }
}

async function end(server: TestServer): Promise<void> {
  server.process.kill("SIGTERM");
  await until(() => server.log.some(({ msg }) => /SIGTERM: draining/.test(msg)));
}

/** A server that is told to end while its engine stands still in the middle of `count` streams. */
async function endDuringStreams(server: TestServer, count: number): Promise<Response[]> {
  const streams = await haltedStreams(server, count);
  await end(server);
  return streams;
}

/** The code with which a server that was already told to end does so. */
async function exitCode({ process: child }: TestServer): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

async function lastEvents(response: Response): Promise<readonly string[]> {
  const events: string[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events.slice(-2);
}

test("SIGTERM fails readiness first, refuses new requests, lets those that run and wait finish, and ends with 0", {
  skip: skipWithoutProc,
}, async () => {
  await using server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "2" } });
  const engine = enginePid(server);
  const undisturbed = await chat(server, { ...long, stream: false });
  const streams = await haltedStreams(server, 2);
  const waiting = Array.from({ length: 3 }, () => server.post("/chat", greedy));
  await until(async () => (await metric(server, "inference_queue_depth")) === 3);
  await end(server);

  const ready = await server.get("/readyz");
  assert.equal(ready.status, 503);
  const { reason, status } = await json<{ reason: string; status: string }>(ready);
  assert.deepEqual({ reason, status }, { reason: "draining", status: "not_ready" });
  assert.equal((await server.get("/healthz")).status, 200);
  const refused = await server.post("/chat", greedy);
  assert.equal(refused.headers.get("connection"), "close", "a proxy must not send the next one here");
  const { error } = await assertError(refused, { status: 503, code: "service_unavailable" });
  assert.equal(error.details?.["reason"], "draining");

  process.kill(engine, "SIGCONT");
  for (const response of streams) {
    const [answer, done] = await lastEvents(response);
    assert.equal(done, "[DONE]");
    assert.equal(JSON.parse(answer ?? "{}").response, undisturbed.response);
  }
  for (const response of await Promise.all(waiting)) assert.equal(response.status, 200);
  assert.equal(await exitCode(server), 0);
  assert.equal(isAlive(engine), false);
});

test("SHUTDOWN_DELAY_MS serves on while readiness fails, until load balancers have noticed", {
  skip: skipWithoutProc,
}, async () => {
  await using server = await startServer({ env: { SHUTDOWN_DELAY_MS: "1500" } });
  server.process.kill("SIGTERM");
  await until(async () => (await server.get("/readyz")).status === 503);
  const served = await server.post("/chat", { ...greedy, max_new_tokens: 2 });
  assert.equal(served.status, 200);
  assert.equal(served.headers.get("connection"), "close");
  assert.equal(await exitCode(server), 0);
  assert.ok(server.log.some(({ msg }) => /a second signal ends them at once/.test(msg)));
});

test("SHUTDOWN_TIMEOUT_MS=0 cuts running streams with an error event, and waits for no client that has stopped writing", {
  skip: skipWithoutProc,
}, async () => {
  await using server = await startServer({ env: { CONTEXT_SIZE: "512", SHUTDOWN_TIMEOUT_MS: "0" } });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.on("error", () => {});
  // Half a request, and then silence.
  socket.write(
    "POST /chat HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
  );
  for (const response of await endDuringStreams(server, 2)) {
    const [last, done] = await lastEvents(response);
    assert.equal(done, "[DONE]");
    const { error, request_id } = JSON.parse(last ?? "{}");
    assert.equal(error.code, "service_unavailable");
    assert.equal(error.details.reason, "draining");
    assert.equal(request_id, response.headers.get("x-request-id"));
  }
  assert.equal(await exitCode(server), 0);
  socket.destroy();
});

test("a second signal ends the server at once, and its engine too", { skip: skipWithoutProc }, async () => {
  await using server = await startServer({ env: { CONTEXT_SIZE: "512" } });
  const engine = enginePid(server);
  const streams = await endDuringStreams(server, 1);
  server.process.kill("SIGINT");
  if (server.process.exitCode === null) await once(server.process, "exit");
  assert.equal(server.process.exitCode, 130);
  process.kill(engine, "SIGCONT");
  await until(() => !isAlive(engine));
  await Promise.allSettled(streams.map((response) => response.text()));
});

test("SIGTERM while the model is loading ends the server", { skip: skipWithoutProc }, async () => {
  await using server = await startServer({ waitUntilReady: false });
  assert.equal(await server.stop(), 0);
  assert.throws(() => childrenOf(server.process.pid));
});
