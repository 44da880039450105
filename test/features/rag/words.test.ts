import assert from "node:assert/strict";
import { test } from "node:test";
import { readableText, searchableText } from "../../../src/features/rag/words.ts";

test("names of code are searched whole and by their parts", () => {
  assert.equal(searchableText("reply.preSerialization()"), "reply preSerialization pre Serialization ");
  assert.equal(searchableText("FST_ERR_CTP parseHTTP2"), "FST ERR CTP parseHTTP2 parse HTTP 2");
});

test("words of other scripts stay whole", () => {
  assert.equal(searchableText("Straße, naïve, Ελλάδα, 検索"), "Straße naïve Ελλάδα 検索");
});

test("what is embedded is free of markup, and never empty", () => {
  assert.equal(
    readableText("## Keys\n\nSee [the guide](https://example.org) and `rotate()`:\n```sh\nkeys add\n```"),
    "Keys See the guide and rotate : keys add",
  );
  assert.equal(readableText("```\n```"), "```\n```");
});
