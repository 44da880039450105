import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { BUILTIN } from "../../support/model.ts";
import { json, readEvents, startServer, type TestServer } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

interface Page {
  readonly data: ReadonlyArray<{
    readonly id: string;
    readonly request_id: string;
    readonly completion_tokens: number;
  }>;
}

test("a server killed at any moment has lost no request whose answer a client saw whole, and counts none twice", async (t) => {
  const directory = await temporaryDirectory(t);
  const env = { MODEL_NAME: BUILTIN, DATA_DIR: directory };
  const seen = new Set<string>();
  for (let round = 0; round < 2; round++) {
    const server = await startServer({ env });
    const clients = [client(server, `${round}-a`, seen), client(server, `${round}-b`, seen)];
    const wanted = seen.size + 6;
    while (seen.size < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
    server.process.kill("SIGKILL");
    await Promise.all(clients);
    await rm(server.directory, { recursive: true, force: true });
  }
  await using server = await startServer({ env });
  // The first look opens the store, which takes in what both processes left.
  const first = await json<Page>(server.get("/v1/requests?limit=500"));
  await (
    await server.post("/chat", { prompt: "One more", max_new_tokens: 2 }, { "x-request-id": "last" })
  ).text();
  const { data } = await json<Page>(server.get("/v1/requests?limit=500"));
  assert.equal(data.length, first.data.length + 1);
  assert.equal(data[0]?.request_id, "last");
  const recorded = data.map(({ request_id }) => request_id);
  assert.deepEqual(
    [...seen].filter((id) => !recorded.includes(id)),
    [],
  );
  assert.equal(new Set(data.map(({ id }) => id)).size, data.length);
  for (const { request_id, completion_tokens } of data)
    if (seen.has(request_id)) assert.equal(completion_tokens, 3);
  const found = await json<{ request_id: string; account: object }>(server.get("/v1/requests/0-a-0"));
  assert.equal(found.request_id, "0-a-0");
  assert.ok(Object.keys(found.account).length > 0);
  const { points } = await json<{ points: ReadonlyArray<{ requests: number }> }>(
    server.get("/v1/requests/series?minutes=60&step=60"),
  );
  assert.equal(
    points.reduce((sum, { requests }) => sum + requests, 0),
    data.length,
  );
});

/** Asks until the server is gone; notes the ids of answers that were whole. */
async function client(server: TestServer, name: string, seen: Set<string>): Promise<void> {
  for (let count = 0; ; count++) {
    const id = `${name}-${count}`;
    try {
      const body = { messages: [{ role: "user", content: "Hi" }], max_tokens: 3, stream: true };
      const headers = { "x-api-key": "dev-local-key", "x-request-id": id };
      const response = await server.post("/v1/chat/completions", body, headers);
      for await (const event of readEvents(response)) if (event === "[DONE]") seen.add(id);
    } catch (error) {
      // The connection of a killed server is refused or cut.
      const { name, code } = error as Error & { readonly code?: string };
      assert.ok(name === "TypeError" || code === "UND_ERR_SOCKET", String(error));
      return;
    }
  }
}
