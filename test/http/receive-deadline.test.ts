import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, mock, test } from "node:test";
import { type FastifyInstance, fastify } from "fastify";
import { limitReceiving } from "../../src/http/receive-deadline.ts";

let app: FastifyInstance;
let port: number;
let asked: PromiseWithResolvers<void>;
beforeEach(async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  asked = Promise.withResolvers();
  app = fastify();
  app.addHook("onRequest", async (request) => {
    limitReceiving(request, 64_000);
    asked.resolve();
  });
  app.post("/", async () => "whole");
  port = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
});
afterEach(async () => {
  mock.timers.reset();
  await app.close();
});

const head = (...lines: string[]) =>
  `${["POST / HTTP/1.1", "host: x", "content-type: application/json", ...lines].join("\r\n")}\r\n\r\n`;

for (const [name, request] of [
  ["a body whose last bytes are withheld", `${head("content-length: 64000")}{"a":`],
  ["chunks without an end", `${head("transfer-encoding: chunked")}2\r\n{}\r\n`],
] as const) {
  test(`${name} ends its connection after a minute and its time at half a megabit`, async () => {
    const client = connect(port, "127.0.0.1");
    client.on("error", () => {});
    client.write(request);
    await asked.promise;
    mock.timers.tick(60_999);
    assert.equal(client.readyState, "open");
    mock.timers.tick(1);
    await once(client, "close");
  });
}

test("a body that has come is under no deadline, nor the answer to it", async () => {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  mock.timers.tick(600_000);
  assert.equal(await response.text(), "whole");
});
