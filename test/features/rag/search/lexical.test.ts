import assert from "node:assert/strict";
import { test } from "node:test";
import { searchWords } from "../../../../src/features/rag/search/lexical.ts";

test("of a pasted document's words the rarest are looked for, and no more than can be scored", async () => {
  const rows = Array.from({ length: 5_000 }, (_, index) => ({ word: `w${index}`, share: index / 5_000 }));
  const query = async <Row>(): Promise<Row[]> => rows as Row[];
  type Index = Parameters<typeof searchWords>[1];
  const index = { indexId: 1, chunks: 1_000 } as Index;
  const words = await searchWords({ query } as Parameters<typeof searchWords>[0], index, "english", "…");
  assert.equal(words.length, 256);
  // A share is of chunks: all words of less than one chunk are as rare.
  assert.ok(words.every(({ chunks }) => chunks <= 51));
});
