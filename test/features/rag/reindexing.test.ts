import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { IndexStatus, RagAnswer } from "../../../src/features/rag/schema.ts";
import { makeBert } from "../../support/bert.ts";
import { json, startServer, until } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const records = Array.from({ length: 80 }, (_, n) => ({ text: `Door ${n} opens with the code kappa${n}.` }));

test("another embedding model indexes anew, says so, and never compares its vectors with the older ones", async (context) => {
  const directory = await temporaryDirectory(context);
  const { path: other } = await makeBert(join(directory, "tiny-bert.gguf"), { pooling: "mean" });
  const env = { DATA_DIR: directory, MODEL_NAME: "builtin" };
  let id = "";
  const status = (server: Awaited<ReturnType<typeof startServer>>) =>
    json<IndexStatus>(server.get(`/v1/rag/indexes/${id}`));
  {
    await using server = await startServer({ env });
    const upload = await server.post("/v1/datasets", { name: "doors", type: "rag_corpus", records });
    id = (await json<{ dataset_id: string }>(upload)).dataset_id;
    await until(async () => (await status(server)).status === "ready");
    assert.equal((await status(server)).dimensions, 512);
  }
  await using server = await startServer({ env: { ...env, EMBEDDING_MODEL: other } });
  const ask = (method: string) =>
    server.post("/v1/rag", { dataset_id: id, query: "kappa17", method, top_k: 1, max_new_tokens: 1 });
  const states = new Set<string>();
  await until(async () => {
    const shown = await server.get(`/v1/rag/indexes/${id}`);
    if (shown.ok) states.add((await json<IndexStatus>(shown)).status);
    const response = await ask("vector");
    if (response.status === 200) return true;
    const { error } = await json<{ error: { details: { reason: string } } }>(response);
    assert.ok(["index_not_ready", "loading_model"].includes(error.details.reason));
    return false;
  });
  assert.ok(
    [...states].every((state) => ["reindexing", "ready"].includes(state)),
    [...states].join(),
  );
  const index = await status(server);
  assert.equal(index.dimensions, 64);
  assert.equal(index.model, "tiny-bert");
  const { citations } = await json<RagAnswer>(ask("lexical"));
  assert.match(citations[0]?.text ?? "", /kappa17\./);
});
