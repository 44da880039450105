import { Type } from "typebox";
import type { Metric } from "./metric.ts";

const NoOptions = Type.Object({}, { additionalProperties: false });

/** Cosine of the two texts' embeddings, 0 where it is negative. Its scale is the embedding model's own. */
export const embeddingSimilarity: Metric<typeof NoOptions> = {
  summary: "Cosine similarity of the embeddings of response and reference.",
  needsReference: true,
  options: NoOptions,
  score: async (response, reference, _options, { embedder, signal }) => {
    // An embedding of nothing points nowhere.
    if (response.trim() === "" || reference.trim() === "")
      return { value: response.trim() === reference.trim() ? 1 : 0, details: { reason: "empty" } };
    const { vectors } = await embedder.embed([response, reference], signal === undefined ? {} : { signal });
    const [said, expected] = vectors as [Float32Array, Float32Array];
    const cosine = said.reduce((sum, value, index) => sum + value * (expected[index] as number), 0);
    return { value: Math.min(Math.max(cosine, 0), 1), details: { cosine, model: embedder.id } };
  },
};
