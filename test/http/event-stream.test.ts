import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, mock, test } from "node:test";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { EventStream, STALL_MS } from "../../src/http/event-stream.ts";
import { RequestAccount } from "../../src/telemetry/request-account.ts";

let app: FastifyInstance;
let opened: PromiseWithResolvers<{ stream: EventStream; reply: FastifyReply }>;
let url: string;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  opened = Promise.withResolvers();
  app = fastify();
  app.decorateRequest("context");
  app.addHook("onRequest", async (request) => {
    request.context = { ...request.context, arrivedAt: 0, account: new RequestAccount() };
  });
  app.get("/", (request: FastifyRequest, reply: FastifyReply) => {
    opened.resolve({ stream: new EventStream(request, reply), reply });
    return reply;
  });
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  mock.timers.reset();
  await app.close();
});

test("fifteen seconds without output bring a comment, again and again until the end", async () => {
  const response = fetch(url);
  const { stream } = await opened.promise;
  mock.timers.tick(14_999);
  await stream.send({ data: { token: "a" } });
  await stream.send({ data: "b" });
  mock.timers.tick(1);
  mock.timers.tick(15_000);
  await stream.send({ event: "named", data: { c: 1 } });
  stream.end();
  mock.timers.tick(60_000);
  assert.equal(
    await (await response).text(),
    'data: {"token":"a"}\n\ndata: b\n\n: keep-alive\n\n: keep-alive\n\nevent: named\ndata: {"c":1}\n\n',
  );
});

test("neither a comment nor an event is written to a client that has gone", async () => {
  const gone = new AbortController();
  const response = fetch(url, { signal: gone.signal });
  const { stream, reply } = await opened.promise;
  await stream.send({ data: "early" });
  await response;
  const errors: unknown[] = [];
  reply.raw.on("error", (error) => errors.push(error));
  gone.abort();
  await once(reply.raw, "close");
  mock.timers.tick(45_000);
  await stream.send({ data: "late" });
  stream.end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(errors, []);
});

/** A client that asks and reads nothing of the answer, and the server's side of it. */
async function openWithoutReading(): Promise<{ client: Socket; stream: EventStream; reply: FastifyReply }> {
  const client = connect(Number(new URL(url).port), "127.0.0.1");
  client.pause();
  client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  return { client, ...(await opened.promise) };
}

/** Resolves when nothing moves any more: the kernel's buffers and this process's are full. */
async function untilStuck({ raw }: FastifyReply): Promise<void> {
  let turnsWithoutChange = 0;
  for (let last = -1; turnsWithoutChange < 500; last = raw.writableLength) {
    await new Promise((resolve) => setImmediate(resolve));
    turnsWithoutChange = raw.writableLength > 0 && raw.writableLength === last ? turnsWithoutChange + 1 : 0;
  }
}

test("a client that reads nothing any more is let go", async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { client, stream, reply } = await openWithoutReading();
  const sending = (async () => {
    while (!reply.raw.destroyed) await stream.send({ data: "x".repeat(1_000_000) });
  })();
  await untilStuck(reply);
  mock.timers.tick(STALL_MS - 1);
  assert.equal(reply.raw.destroyed, false);
  mock.timers.tick(1);
  assert.equal(reply.raw.destroyed, true);
  await sending;
  client.destroy();
});

test("and so is one that does not take the end of its stream", async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { client, stream, reply } = await openWithoutReading();
  reply.raw.write("x".repeat(50_000_000));
  stream.end();
  await untilStuck(reply);
  mock.timers.tick(STALL_MS);
  assert.equal(reply.raw.destroyed, true);
  client.destroy();
});

test("a slow client leaves no listeners behind", async () => {
  const { client, stream, reply } = await openWithoutReading();
  const before = reply.raw.listenerCount("close");
  client.resume();
  for (let event = 0; event < 30; event++) await stream.send({ data: "x".repeat(1_000_000) });
  assert.equal(reply.raw.listenerCount("close"), before);
  assert.equal(reply.raw.listenerCount("drain"), 0);
  stream.end();
  client.destroy();
});
