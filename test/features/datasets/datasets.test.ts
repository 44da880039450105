import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { databaseKinds, type TestDatabase } from "../../support/databases.ts";
import { assertError } from "../../support/envelope.ts";
import { json, KEY, metric, startServer, type TestServer } from "../../support/server.ts";
import { type DatasetAnswer, type ListAnswer, upload } from "../../support/upload.ts";

for (const { name: kind, skip, poolSize, start } of databaseKinds) {
  suite(`datasets on ${kind}`, { skip }, () => {
    let database: TestDatabase;
    let server: TestServer;
    before(async () => {
      database = await start();
      const env = {
        DATABASE_POOL_SIZE: String(poolSize),
        ...(database.url !== undefined && { DATABASE_URL: database.url }),
      };
      server = await startServer({ waitUntilReady: false, env });
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    });

    const create = async (body: object) => json<DatasetAnswer>(server.post("/v1/datasets", body));
    const corpus = (texts: readonly string[], name = "corpus") =>
      create({ name, type: "rag_corpus", records: texts.map((text) => ({ text })) });
    const records = (id: string, query = "") =>
      json<ListAnswer<Record<string, unknown>>>(server.get(`/v1/datasets/${id}/records${query}`));
    const remove = (id: string) =>
      fetch(`${server.url}/v1/datasets/${id}`, { method: "DELETE", headers: KEY });

    test("good records are kept and bad ones listed with what is wrong and where", async () => {
      const long = "x".repeat(300_000);
      const response = await server.post("/v1/datasets", {
        name: "mixed",
        type: "eval_set",
        records: [
          { prompt: "short form", reference: "answer" },
          {
            record_id: "a",
            input: { prompt: "long form", system: "s" },
            reference: { answer: "b" },
            tags: ["t"],
          },
          { record_id: "a", prompt: "again" },
          { record_id: "b", input: {} },
          { record_id: "c", input: { prompt: 5 } },
          { record_id: "d", prompt: long },
          { record_id: "e", prompt: "nul \u0000" },
          { record_id: "f", prompt: "lone \ud800" },
          { record_id: "g", prompt: "p", tags: Array(65).fill("t") },
          { record_id: "h", prompt: "p", metadata: { a: "x".repeat(263_000) } },
          "no object",
        ],
      });
      assert.equal(response.status, 201);
      const dataset = await json<DatasetAnswer>(response);
      assert.equal(dataset.status, "ready");
      assert.equal(dataset.record_count, 2);
      assert.equal(dataset.records_count, 2);
      assert.equal(dataset.rejected_count, 9);
      assert.deepEqual(
        dataset.record_errors.map(({ index, record_id, code, path, severity }) => [
          index,
          record_id,
          code,
          path,
          severity,
        ]),
        [
          [2, "a", "duplicate_record_id", "/record_id", "error"],
          [3, "b", "missing_required_field", "/input/prompt", "error"],
          [4, "c", "invalid_field_type", "/input/prompt", "error"],
          [5, "d", "string_too_long", "/prompt", "error"],
          [6, "e", "invalid_encoding", "/prompt", "error"],
          [7, "f", "invalid_encoding", "/prompt", "error"],
          [8, "g", "value_out_of_range", "/tags", "error"],
          [9, "h", "record_too_large", "", "error"],
          [10, null, "invalid_field_type", "", "error"],
        ],
      );
      const { data } = await records(dataset.dataset_id);
      assert.deepEqual(data, [
        {
          position: 0,
          record_id: "rec_0",
          input: { prompt: "short form" },
          reference: { answer: "answer" },
        },
        {
          position: 1,
          record_id: "a",
          input: { system: "s", prompt: "long form" },
          reference: { answer: "b" },
          tags: ["t"],
        },
      ]);
    });

    test("an upload without a good record is refused with the reasons, and leaves nothing", async () => {
      const response = await server.post("/v1/datasets", {
        name: "hopeless",
        type: "rag_corpus",
        records: [{ prompt: "no text" }],
      });
      const { error } = await json<{ error: { details: { record_errors: Array<{ code: string }> } } }>(
        response.clone(),
      );
      await assertError(response, { status: 400, code: "invalid_request", param: "records" });
      assert.equal(error.details.record_errors[0]?.code, "missing_required_field");
      const { data } = await json<ListAnswer<DatasetAnswer>>(server.get("/v1/datasets?limit=100"));
      assert.ok(data.every(({ name }) => name !== "hopeless"));
    });

    test("a request without a body is told that it needs one", async () => {
      for (const path of ["/v1/datasets", "/v1/datasets/upload"]) {
        const response = await fetch(`${server.url}${path}`, { method: "POST", headers: KEY });
        await assertError(response, { status: 400, code: "invalid_request" });
      }
    });

    test("what looks the same is the same: text is kept in NFC, names and metadata too", async () => {
      const decomposed = "cafe\u0301";
      const dataset = await create({
        name: decomposed,
        type: "rag_corpus",
        metadata: { [decomposed]: decomposed },
        records: [{ doc_id: decomposed, text: decomposed }],
      });
      assert.equal(dataset.name, "café");
      assert.deepEqual(dataset.metadata, { café: "café" });
      const { data } = await records(dataset.dataset_id);
      assert.deepEqual(data, [{ position: 0, record_id: "café", text: "café" }]);
    });

    test("texts that mean something to SQL are only texts", async () => {
      const text = `'; DROP TABLE datasets; -- " \\ $1 {} % _ \u2028 </script> \\u0000`;
      const dataset = await create({
        name: text,
        type: "rag_corpus",
        metadata: { [text]: text },
        records: [{ record_id: text, text, metadata: { [text]: text } }],
      });
      const { data } = await records(dataset.dataset_id);
      assert.equal(data[0]?.["text"], text);
      assert.equal(data[0]?.["record_id"], text);
      assert.deepEqual(data[0]?.["metadata"], { [text]: text });
      await assertError(await server.get(`/v1/datasets/${encodeURIComponent("' OR 1=1 --")}`), {
        status: 404,
        code: "not_found",
      });
      await assertError(await server.get(`/v1/datasets?cursor=${encodeURIComponent("' OR 1=1")}`), {
        status: 400,
        code: "invalid_request",
        param: "cursor",
      });
    });

    test("the same records have the same hash, and others another", async () => {
      const [first, same, other] = [
        await corpus(["a", "b"]),
        await corpus(["a", "b"], "again"),
        await corpus(["b", "a"]),
      ];
      assert.match(first.content_hash ?? "", /^[0-9a-f]{64}$/);
      assert.equal(same.content_hash, first.content_hash);
      assert.notEqual(other.content_hash, first.content_hash);
    });

    test("pages of records are whole and in order", async () => {
      const texts = Array.from({ length: 25 }, (_, index) => `text ${index}`);
      const { dataset_id } = await corpus(texts);
      const seen: unknown[] = [];
      let cursor: string | null = null;
      do {
        const page: ListAnswer<Record<string, unknown>> = await records(
          dataset_id,
          `?limit=10${cursor === null ? "" : `&cursor=${cursor}`}`,
        );
        seen.push(...page.data.map(({ text }) => text));
        cursor = page.next_cursor;
      } while (cursor !== null);
      assert.deepEqual(seen, texts);
    });

    test("a cursor that lies behind the last record gives an empty page", async () => {
      const { dataset_id } = await corpus(["one"]);
      const cursor = Buffer.from("after:999999999999999").toString("base64url");
      assert.deepEqual((await records(dataset_id, `?cursor=${cursor}`)).data, []);
    });

    test("pages of datasets don't shift when some are added or deleted meanwhile", async () => {
      const made = [];
      for (const name of ["page-1", "page-2", "page-3", "page-4"]) made.push(await corpus(["x"], name));
      const page = (query: string) => json<ListAnswer<DatasetAnswer>>(server.get(`/v1/datasets?${query}`));
      const first = await page("limit=2");
      assert.deepEqual(
        first.data.map(({ name }) => name),
        ["page-4", "page-3"],
      );
      await corpus(["x"], "page-5");
      await remove(made[2]?.dataset_id ?? "");
      const second = await page(`limit=2&cursor=${first.next_cursor}`);
      assert.deepEqual(
        second.data.map(({ name }) => name),
        ["page-2", "page-1"],
      );
      const evaluations = await page("type=eval_set&limit=100");
      assert.ok(evaluations.data.every(({ type }) => type === "eval_set"));
      assert.deepEqual((await page("status=failed")).data, []);
    });

    test("a deleted dataset is gone with its records", async () => {
      const { dataset_id } = await corpus(["x"]);
      assert.equal((await remove(dataset_id)).status, 200);
      for (const path of [`/v1/datasets/${dataset_id}`, `/v1/datasets/${dataset_id}/records`])
        await assertError(await server.get(path), { status: 404, code: "not_found" });
      await assertError(await remove(dataset_id), { status: 404, code: "not_found" });
    });

    test("a client that leaves in the middle of an upload leaves nothing behind", async () => {
      const leaving = new AbortController();
      const lines = Array.from({ length: 20_000 }, (_, index) => JSON.stringify({ text: `line ${index}` }));
      const form = new FormData();
      form.set("name", "abandoned");
      form.set("type", "rag_corpus");
      form.set("file", new Blob([lines.join("\n")]), "a.jsonl");
      const request = fetch(`${server.url}/v1/datasets`, {
        method: "POST",
        headers: KEY,
        body: form,
        signal: leaving.signal,
      });
      const named = async () => {
        const { data } = await json<ListAnswer<DatasetAnswer>>(server.get("/v1/datasets?limit=100"));
        return data.filter(({ name }) => name === "abandoned");
      };
      for (;;) {
        const [dataset] = await named();
        if (dataset === undefined) continue;
        assert.ok(dataset.progress >= 0 && dataset.progress <= 1);
        if (dataset.status === "processing") {
          await assertError(await remove(dataset.dataset_id), { status: 409, code: "conflict" });
        }
        break;
      }
      leaving.abort();
      await assert.rejects(request);
      for (let left = await named(); left.length > 0; left = await named()) {
        // It may have been whole before the server heard of the client's leaving; then it stays.
        if (left[0]?.status === "ready") return;
      }
    });

    test("the store's state is in /readyz and in the metrics", async () => {
      await server.get("/v1/datasets");
      assert.equal(await metric(server, "store_open"), 1);
      assert.ok((await metric(server, "store_query_duration_ms_count")) > 0);
    });

    test("a file's records come with its lines", async () => {
      const file = '{"text":"one"}\n\nnot json\n{"text":"two","title":"T"}\n{"text":"\\ud800"}';
      const response = await upload(server, "a.jsonl", file, { metadata: '{"k":1}' });
      assert.equal(response.status, 201);
      const dataset = await json<DatasetAnswer>(response);
      assert.deepEqual(dataset.metadata, { k: 1 });
      assert.deepEqual(
        dataset.record_errors.map(({ index, line, code }) => [index, line, code]),
        [
          [1, 3, "invalid_field_type"],
          [3, 5, "invalid_encoding"],
        ],
      );
      const { data } = await records(dataset.dataset_id);
      assert.deepEqual(
        data.map(({ text }) => text),
        ["one", "two"],
      );
    });
  });
}
