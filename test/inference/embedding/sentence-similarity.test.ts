import assert from "node:assert/strict";
import { test } from "node:test";
import { installedEmbedder } from "../../support/embedder.ts";
/** A sentence, one that says the same in other words, and one that shares words or a topic with it and says another thing. */
import triples from "./sentence-triples.json" with { type: "json" };

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

test("the installed model finds the paraphrase closer than the distractor in at least 90 % of the triples", async (context) => {
  const embedder = installedEmbedder();
  context.after(() => embedder.close(0));
  const { vectors } = await embedder.embed(triples.flat());
  const wrong = triples.filter((_, index) => {
    const [sentence, paraphrase, distractor] = vectors.slice(3 * index) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    return cosine(sentence, paraphrase) <= cosine(sentence, distractor);
  });
  const right = triples.length - wrong.length;
  context.diagnostic(
    `${right} of ${triples.length} right; wrong: ${wrong.map(([first]) => first).join(" | ")}`,
  );
  assert.ok(triples.length >= 60);
  assert.ok(right >= 0.9 * triples.length, `${right} of ${triples.length}`);
});
