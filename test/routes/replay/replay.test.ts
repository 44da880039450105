import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ReplayAnswer } from "../../../src/instruments/replay/schema.ts";
import { assertError } from "../../support/envelope.ts";
import { run } from "../../support/run.ts";
import { json, KEY, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "4" } });
});
after(() => server[Symbol.asyncDispose]());

const replay = (id: string, level?: string) =>
  json<ReplayAnswer>(server.post(`/v1/requests/${id}/replay`, level === undefined ? {} : { level }));

/** Completions side by side with others that are not to be reproducible; their texts by their ids. */
async function askBesideOthers(ids: readonly string[], rest: object): Promise<ReadonlyMap<string, string>> {
  const others = Array.from({ length: 3 }, (_, index) =>
    server.post("/v1/completions", { prompt: `Once upon a time ${index}`, max_tokens: 40, temperature: 1 }),
  );
  const texts = await Promise.all(
    ids.map(async (id, index) => {
      const prompt = `Once upon a time there was a bird ${index}`;
      const body = { prompt, max_tokens: 30, reproducible: true, ...rest };
      const { choices } = await json<{ choices: ReadonlyArray<{ text: string }> }>(
        server.post("/v1/completions", body, { ...KEY, "x-request-id": id }),
      );
      return [id, choices[0]?.text ?? ""] as const;
    }),
  );
  await Promise.all(others);
  return new Map(texts);
}

test("reproducible answers are the same to the last bit, whatever is computed beside them", async () => {
  const ids = ["one", "two", "three"];
  for (const rest of [{ temperature: 0 }, { temperature: 1.2, seed: 7, top_p: 0.9 }]) {
    const first = await askBesideOthers(ids, rest);
    const again = await askBesideOthers(ids, rest);
    assert.deepEqual(again, first);
    for (const id of ids) {
      const { verdict, generations, differences } = await replay(id, "alone");
      assert.deepEqual([id, verdict, differences], [id, "identical", []]);
      assert.equal(generations[0]?.largest_gap, 0);
      assert.ok((generations[0]?.tokens ?? 0) > 10);
    }
  }
});

test("the model scores its own answers as it did, in one pass", async () => {
  await askBesideOthers(["scored"], { temperature: 1, seed: 3 });
  const { verdict, level, generations } = await replay("scored");
  assert.equal(level, "score");
  assert.ok(verdict === "identical" || verdict === "consistent", JSON.stringify(generations));
  assert.equal(generations[0]?.first_difference, null);
});

test("several answers of one request are each replayed, of conversations too", async () => {
  const body = {
    messages: [{ role: "user", content: "Tell me of a bird" }],
    n: 2,
    max_tokens: 12,
    temperature: 1,
    reproducible: true,
  };
  await server.post("/v1/chat/completions", body, { ...KEY, "x-request-id": "several" });
  const { verdict, generations } = await replay("several", "alone");
  assert.equal(generations.length, 2);
  assert.equal(verdict, "identical");
  const { verdict: same, facts } = await replay("several", "identity");
  assert.equal(same, "identical");
  assert.match(`${facts["weights"]} ${facts["libraries"]}`, /^[0-9a-f]{16} [0-9a-f]{16}$/);
  assert.ok(generations.every(({ seed }) => Number.isInteger(seed)));
});

test("only reproducible answers are kept", async () => {
  await server.post(
    "/v1/completions",
    { prompt: "A bird", max_tokens: 2 },
    { ...KEY, "x-request-id": "plain" },
  );
  for (const id of ["plain", "none"]) {
    const answer = await server.post(`/v1/requests/${id}/replay`, {});
    const { error } = await assertError(answer, { status: 404, code: "not_found" });
    assert.match(error.message, /reproducible/);
  }
  await assertError(await server.post("/v1/requests/one/replay", { level: "twice" }), {
    status: 400,
    code: "invalid_request",
  });
});

test("npm run replay prints the verdict and says by its exit code whether it is the same", async () => {
  const ask = (id: string) => run(server.directory, {}, ["replay", id, "--server", server.url]);
  const known = await ask("several");
  assert.equal(known.exitCode, 0, known.output);
  assert.match(known.output, /^(identical|consistent) \(score\)/);
  assert.equal((await ask("none")).exitCode, 1);
});
