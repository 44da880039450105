import type { FoundChunk, SearchMethod } from "./retriever.ts";

/**
 * Share of a question's significant words that a passage must have to be answered from by words alone. Measured on the
 * evaluation set and on questions that its documents do not answer (docs/retrieval.md).
 */
const COVERAGE_FLOOR = 0.4;

/** True when a passage is near enough to the question by what the method goes by. */
export function isRelevant(chunk: FoundChunk, method: SearchMethod, similarityFloor: number): boolean {
  const isNear = (chunk.similarity ?? 0) >= similarityFloor;
  const hasWords = chunk.coverage >= COVERAGE_FLOOR;
  return method === "vector" ? isNear : method === "lexical" ? hasWords : isNear || hasWords;
}
