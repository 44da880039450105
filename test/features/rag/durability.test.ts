import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { IndexStatus, RagAnswer } from "../../../src/features/rag/schema.ts";
import { SeededRandom } from "../../support/random.ts";
import { json, KEY, startServer, type TestServer, until } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** How often the server is killed; more for a campaign. */
const ROUNDS = Number(process.env["DURABILITY_ROUNDS"] ?? 2);
const LONGEST_LIFE_MS = 2_500;
const RECORDS = 120;

const records = Array.from({ length: RECORDS }, (_, n) => ({
  record_id: `r${n}`,
  text: `Report ${n} of the archive. The marker of this report is kappa${n}. It was filed in drawer ${n % 7} and read twice.`,
}));
const LAST = `kappa${RECORDS - 1}`;

test(`a server that is killed ${ROUNDS} times while it stores and indexes loses nothing and serves nothing half-indexed`, async (context) => {
  const env = { DATA_DIR: await temporaryDirectory(context), MODEL_NAME: "builtin" };
  const random = new SeededRandom(7);
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await using server = await startServer({ env });
    // Opens the store, which takes longer than some lives the first time.
    assert.equal((await server.get("/v1/datasets")).status, 200);
    await checkAll(server, acknowledged);
    const dying = new AbortController();
    const uploading = uploadUntil(server, dying.signal, acknowledged);
    // Whatever the machine's speed, there is something to lose.
    await until(() => acknowledged.length > 0);
    await delay(random.next() * LONGEST_LIFE_MS);
    server.process.kill("SIGKILL");
    await once(server.process, "exit");
    dying.abort();
    await uploading;
  }
  await using server = await startServer({ env });
  await checkAll(server, acknowledged);
  const chunks = new Set<number>();
  for (const datasetId of acknowledged) {
    let status: IndexStatus | undefined;
    await until(async () => {
      status = await json<IndexStatus>(server.get(`/v1/rag/indexes/${datasetId}`));
      return status.status === "ready";
    });
    assert.equal(status?.embedded_chunks, status?.chunks);
    chunks.add(status?.chunks ?? 0);
    assert.equal(await lastIsFound(server, datasetId), true);
  }
  assert.ok(acknowledged.length > 0);
  assert.equal(chunks.size, 1, "the same documents make the same chunks, killed or not");
});

/** Uploads one dataset after another until the server is gone. */
async function uploadUntil(server: TestServer, gone: AbortSignal, acknowledged: string[]): Promise<void> {
  for (let n = 0; !gone.aborted && n < 4; n++) {
    const body = { name: "archive", type: "rag_corpus", records };
    const response = await server.post("/v1/datasets", body).catch(() => undefined);
    const answer = await response?.json().catch(() => undefined);
    if (response?.status === 201 && answer !== undefined)
      acknowledged.push((answer as { dataset_id: string }).dataset_id);
  }
}

/** Every acknowledged dataset is whole; each is either searched whole or said to be on its way. */
async function checkAll(server: TestServer, acknowledged: readonly string[]): Promise<void> {
  for (const datasetId of acknowledged) {
    const dataset = await json<{ status: string; record_count: number }>(
      server.get(`/v1/datasets/${datasetId}`),
    );
    assert.equal(dataset.status, "ready");
    assert.equal(dataset.record_count, RECORDS);
    assert.notEqual(await lastIsFound(server, datasetId), false);
  }
}

/** Undefined while the index is not ready. */
async function lastIsFound(server: TestServer, datasetId: string): Promise<boolean | undefined> {
  const response = await fetch(`${server.url}/v1/rag`, {
    method: "POST",
    headers: { "content-type": "application/json", ...KEY },
    body: JSON.stringify({
      dataset_id: datasetId,
      query: LAST,
      method: "lexical",
      top_k: 1,
      max_new_tokens: 1,
    }),
  });
  const answer = await json<RagAnswer & { error?: { details: { reason: string } } }>(response);
  if (response.status === 503) {
    assert.equal(answer.error?.details.reason, "index_not_ready");
    return undefined;
  }
  assert.equal(response.status, 200);
  return answer.citations[0]?.doc_id === `r${RECORDS - 1}`;
}
