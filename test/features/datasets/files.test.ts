import assert from "node:assert/strict";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { assertError } from "../../support/envelope.ts";
import { json, KEY, startServer, type TestServer } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { type DatasetAnswer, type ListAnswer, upload } from "../../support/upload.ts";

test("what a killed server left of uploads is removed by a later one, and running uploads are not", async (context) => {
  const directory = await temporaryDirectory(context);
  const [old, young, foreign] = ["llm-server-upload-old", "llm-server-upload-young", "other-old"];
  for (const name of [old, young, foreign]) {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, "file"), "left");
  }
  for (const name of [old, foreign]) await utimes(join(directory, name), 0, 0);
  await using _server = await startServer({ waitUntilReady: false, env: { TMPDIR: directory } });
  const left = await readdir(directory);
  assert.deepEqual(
    [old, young, foreign].filter((name) => left.includes(name)),
    [young, foreign],
  );
});

/** Nothing of a file is lost in silence: it is a record, or it is in `record_errors`, or the upload is refused. */
suite("files that are not quite what their name says", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ waitUntilReady: false });
  });
  after(() => server[Symbol.asyncDispose]());

  /** Texts and ids that were kept, and the places and messages of what was not. */
  async function uploaded(name: string, content: string) {
    const response = await upload(server, name, content);
    assert.equal(response.status, 201, await response.clone().text());
    const { dataset_id, record_errors } = await json<DatasetAnswer>(response);
    const { data } = await json<ListAnswer<{ record_id: string; text: string }>>(
      server.get(`/v1/datasets/${dataset_id}/records?limit=100`),
    );
    return {
      ids: data.map(({ record_id }) => record_id),
      texts: data.map(({ text }) => text),
      errors: record_errors.map(({ line, message }) => `${line}: ${message}`),
    };
  }

  const refused = async (name: string, content: string, message: RegExp) => {
    const { error } = await assertError(await upload(server, name, content), {
      status: 400,
      code: "invalid_request",
    });
    assert.match(error.message, message);
  };

  test("a carriage return inside a row of CSV ends neither the row nor the cell", async () => {
    const { texts } = await uploaded("a.csv", "text,title\r\none\rtwo,T\r\nthree,U\r\n");
    assert.deepEqual(texts, ["one\rtwo", "three"]);
    await refused("mac.csv", "text,title\rone,T\rtwo,U\r", /end in CR alone/);
  });

  test("empty lines before the header of a CSV are not a header", async () => {
    const { texts } = await uploaded("a.csv", "\ufeff\r\n\ntext\none\n");
    assert.deepEqual(texts, ["one"]);
  });

  test("a row that is not CSV is reported with its line in the file", async () => {
    const { texts, errors } = await uploaded("a.csv", 'text\none\nt"w"o\n"th"ree\nfour\n"five\nsix');
    assert.deepEqual(texts, ["one", "four"]);
    assert.deepEqual(errors, [
      "3: is not a CSV row: a cell that does not begin with a quote has one inside",
      "4: is not a CSV row: a cell continues after its closing quote",
      "6: is not a CSV row: a quote is not closed",
    ]);
  });

  test("what stands after the end of a JSON file is said", async () => {
    const stray = "stands after the end of the JSON: a file has one array of records";
    for (const file of [
      '[{"text":"a"}]\n[{"text":"b"}]',
      '{"records":[{"text":"a"}],"n":[{}]}\n{"records":[]}',
    ]) {
      const { texts, errors } = await uploaded("a.json", file);
      assert.deepEqual(texts, ["a"]);
      assert.deepEqual(errors, [`2: ${stray}`]);
    }
  });

  test("a JSON file that breaks off is told to, after its records too", async () => {
    for (const file of ['[{"text":"a"},', '{"records":[{"text":"a"}],"name":"x']) {
      const { errors } = await uploaded("a.json", file);
      assert.deepEqual(errors, ["1: the array of records does not end as JSON"]);
    }
    const { errors } = await uploaded("a.json", '\ufeff{"a":["]"],"records":[{"text":"a"}],"b":"]}"}\n');
    assert.deepEqual(errors, []);
  });

  test("a record without an id is not refused for the id that another one has", async () => {
    const { ids, texts } = await uploaded("a.jsonl", '{"text":"a","record_id":"rec_1"}\n{"text":"b"}');
    assert.deepEqual(texts, ["a", "b"]);
    assert.deepEqual(ids, ["rec_1", "rec_1_"]);
  });

  test("a form with several files is told to have one", async () => {
    const form = new FormData();
    for (const name of ["a.md", "b.md"]) form.append("file", new Blob(["text"]), name);
    const response = await fetch(`${server.url}/v1/datasets`, { method: "POST", headers: KEY, body: form });
    const { error } = await assertError(response, { status: 400, code: "invalid_request", param: "file" });
    assert.match(error.message, /several files/);
  });

  test("a refusal reads as a sentence", async () => {
    await refused("a.jsonl", '[1]\n{"text":""}', /^No record is good, 2 refused. The first: line 1 must be/);
    await refused("a.pdf", "no pdf", /^The PDF can't be read: [^.]+\.$/);
  });
});
