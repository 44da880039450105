import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeXml } from "../../../src/commands/eval/junit.ts";

test("markup becomes text, and line breaks survive as attributes keep them", () => {
  assert.equal(escapeXml(`<a b="c">&\n\t\r`), "&lt;a b=&quot;c&quot;&gt;&amp;&#10;&#9;&#13;");
});

test("what XML 1.0 has no place for is replaced, whatever the text", () => {
  assert.equal(escapeXml("a\u0000b\u001bc\ufffe"), "a\ufffdb\ufffdc\ufffd");
  assert.equal(escapeXml("\ud800"), "\ufffd");
  assert.equal(escapeXml("\u{1f600}"), "\u{1f600}");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(escapeXml(text), /[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
    }),
  );
});
