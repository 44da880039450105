import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { chat, greedy } from "../../support/chat.ts";
import { assertError } from "../../support/envelope.ts";
import { childrenOf, enginePid, isAlive, skipWithoutProc } from "../../support/processes.ts";
import {
  json,
  type LogLine,
  metric,
  readEvents,
  startServer,
  type TestServer,
  until,
  untilReady,
} from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "8" } });
});
after(() => server[Symbol.asyncDispose]());

const long = { ...greedy, max_new_tokens: 480 };
const readiness = async () => json<{ status: string; reason?: string }>(server.get("/readyz"));
const openFiles = () => readdirSync(`/proc/${server.process.pid}/fd`).length;

test("kill -9 of the engine under eight streams ends each properly, and the server recovers by itself", {
  skip: skipWithoutProc,
}, async () => {
  const alone = await chat(server, greedy);
  const first = enginePid(server);

  const streams = await Promise.all(
    Array.from({ length: 8 }, () => server.post("/chat", { ...long, stream: true })),
  );
  process.kill(first, "SIGSTOP");
  process.kill(first, "SIGKILL");
  const endings = await Promise.all(
    streams.map(async (response) => {
      const events: string[] = [];
      for await (const event of readEvents(response)) events.push(event);
      return events;
    }),
  );
  for (const events of endings) {
    assert.equal(events.at(-1), "[DONE]");
    const last = JSON.parse(events.at(-2) ?? "{}");
    // A stream may have been done before; any other says that the engine failed.
    if (last.response === undefined) {
      assert.equal(last.error.code, "service_unavailable");
      assert.equal(last.error.details.reason, "engine_failed");
      assert.equal(last.request_id.length, 36);
    }
  }
  assert.ok(endings.some((events) => events.at(-2)?.includes("engine_failed")));
  // The operator finds the cause in the log: of the engine's end, and of each stream that had its 200 long before.
  const lineWith = (isIt: (line: LogLine) => boolean) => until(() => server.log.some(isIt));
  await lineWith(({ msg }) => /SIGKILL \(out of memory\?\)/.test(msg) && !/last lines/.test(msg));
  await lineWith(({ status, reason }) => status === 200 && reason === "engine_failed");

  assert.deepEqual(
    { ...(await readiness()), request_id: "" },
    { status: "not_ready", model_loaded: false, reason: "engine_restarting", request_id: "" },
  );
  const refused = await server.post("/chat", greedy);
  const { error } = await assertError(refused, { status: 503, code: "service_unavailable" });
  assert.equal(error.details?.["reason"], "engine_restarting");
  await lineWith(({ status, reason }) => status === 503 && reason === "engine_restarting");
  assert.equal((await server.get("/healthz")).status, 200);

  await untilReady(server);
  assert.equal((await chat(server, greedy)).response, alone.response);
  assert.equal(await metric(server, "engine_restarts_total"), 1);
  assert.equal(await metric(server, "inference_running_sequences"), 0);
  assert.equal(isAlive(first), false);
  assert.equal(childrenOf(server.process.pid).length, 1);
});

test("a request without a stream is answered 503 in the envelope", { skip: skipWithoutProc }, async () => {
  const pending = server.post("/chat", long);
  await until(async () => (await metric(server, "inference_running_sequences")) > 0);
  process.kill(enginePid(server), "SIGKILL");
  const { error } = await assertError(await pending, { status: 503, code: "service_unavailable" });
  assert.equal(error.details?.["reason"], "engine_failed");
  await untilReady(server);
});

test("neither processes nor file handles are left over from crashes", { skip: skipWithoutProc }, async () => {
  const before = openFiles();
  process.kill(enginePid(server), "SIGKILL");
  await until(async () => (await readiness()).status === "not_ready");
  assert.equal((await server.get("/healthz")).status, 200);
  await untilReady(server);
  assert.equal(childrenOf(server.process.pid).length, 1);
  // A connection of this test's own may have come or gone.
  await until(() => openFiles() <= before + 1);
});

test("only an engine that served nothing since its start is started again after a longer pause", {
  skip: skipWithoutProc,
}, async () => {
  process.kill(enginePid(server), "SIGKILL");
  await until(async () => (await readiness()).status === "not_ready");
  await untilReady(server);
  const pauses = () => server.log.flatMap((line) => (line["restart_in_ms"] as number | undefined) ?? []);
  await until(() => pauses().length === 4);
  assert.deepEqual(pauses(), [250, 250, 500, 1000]);
});
