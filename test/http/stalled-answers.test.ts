import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import { loadConfig } from "../../src/config/config.ts";
import { STALL_MS } from "../../src/http/event-stream.ts";
import { createServer } from "../../src/http/server.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";

test("an answer of any kind, lines of Ollama's among them, ends with a client that reads nothing of it", async (t) => {
  const app = await createServer(
    loadConfig({}),
    createLog({ level: "silent", format: "json" }),
    new Metrics(),
  );
  const answering = Promise.withResolvers<Socket>();
  let isLeft = false;
  async function* lines(): AsyncIterable<string> {
    try {
      for (;;) yield `${JSON.stringify({ response: "x".repeat(10_000), done: false })}\n`;
    } finally {
      isLeft = true;
    }
  }
  app.get("/lines", { config: { scope: "public" } }, (request, reply) => {
    answering.resolve(request.raw.socket);
    return reply.type("application/x-ndjson").send(Readable.from(lines()));
  });
  const url = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  t.after(() => app.close());
  const client = connect(Number(url.port), "127.0.0.1");
  client.on("error", () => {});
  client.pause();
  client.write("GET /lines HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const socket = await answering.promise;
  while (socket.timeout !== STALL_MS) await new Promise((resolve) => setImmediate(resolve));
  // What Node does once nothing has moved for so long.
  const closed = once(socket, "close");
  socket.emit("timeout");
  await closed;
  while (!isLeft) await new Promise((resolve) => setImmediate(resolve));
  client.destroy();
});
