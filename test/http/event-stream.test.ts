import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, mock, test } from "node:test";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { EventStream } from "../../src/http/event-stream.ts";

let app: FastifyInstance;
let opened: PromiseWithResolvers<{ stream: EventStream; reply: FastifyReply }>;
let url: string;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  opened = Promise.withResolvers();
  app = fastify();
  app.decorateRequest("arrivedAt", 0);
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
  await stream.send({ token: "a" });
  await stream.send("b");
  mock.timers.tick(1);
  mock.timers.tick(15_000);
  await stream.sendNamed("named", { c: 1 });
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
  await stream.send("early");
  await response;
  const errors: unknown[] = [];
  reply.raw.on("error", (error) => errors.push(error));
  gone.abort();
  await once(reply.raw, "close");
  mock.timers.tick(45_000);
  await stream.send("late");
  stream.end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(errors, []);
});
