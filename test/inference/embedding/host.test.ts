import assert from "node:assert/strict";
import { test } from "node:test";
import { InProcessEmbedder } from "../../support/in-process-embedder.ts";

const embedder = new InProcessEmbedder({ kind: "sentence-encoder" });
const { host } = embedder;
const long =
  "a text of some length that fills a batch with few of its kind, again and again and again and again";

test("a question does not wait for the corpus that came before it", () => {
  host.embed(1, Array<string>(40).fill(long));
  host.embed(2, ["a question"]);
  assert.deepEqual(
    embedder.run().map(({ id }) => id),
    [2, 1],
  );
});

test("requests of the same size are served in the order they came", () => {
  for (const id of [1, 2, 3]) host.embed(id, Array<string>(5).fill(long));
  assert.deepEqual(
    embedder.run().map(({ id }) => id),
    [1, 2, 3],
  );
});

test("each request gets the vectors of its own texts, in their order", () => {
  const texts = ["one", "two", "three"];
  const alone = texts.map((text) => embedder.embed([text])[0] as Float32Array);
  host.embed(1, texts);
  host.embed(2, texts.toReversed());
  for (const news of embedder.run()) {
    assert.equal(news.type, "embedded");
    const expected = news.id === 1 ? alone : alone.toReversed();
    for (const [row, vector] of expected.entries()) {
      const actual = news.vectors.slice(row * 512, (row + 1) * 512);
      assert.ok(vector.every((value, i) => Math.abs(value - (actual[i] as number)) < 1e-5));
    }
    assert.deepEqual(news.tokens, [1, 1, 1]);
  }
});

test("a cancelled request takes no further time and others go on", () => {
  host.embed(1, Array<string>(40).fill(long));
  host.embed(2, Array<string>(10).fill(long));
  host.step();
  host.cancel(1);
  assert.deepEqual(
    embedder.run().map(({ id }) => id),
    [2],
  );
});

test("cancelling what is not there changes nothing", () => {
  host.cancel(99);
  assert.equal(host.hasWork, false);
});
