import { ApiError, UnavailableError } from "../../../errors.ts";
import { type IndexRecipe, type IndexRecord, isMadeWith, progressOf } from "./index-record.ts";

/**
 * The index that a search reads: a complete one of today's recipe. While the embedding model changes, the older one
 * still answers by words: its vectors are of another space, its words are the same.
 * @throws UnavailableError `index_not_ready`, with how far it is; ApiError `conflict` when it can't be built
 */
export function servedIndex(
  indexes: readonly IndexRecord[],
  recipe: IndexRecipe,
  needsVectors: boolean,
): IndexRecord {
  const current = indexes.find((index) => isMadeWith(index, recipe));
  if (current?.status === "ready") return current;
  const older = indexes.find(({ status, method }) => status === "ready" && method === recipe.method);
  if (older !== undefined && !needsVectors) return older;
  if (current?.status === "failed") {
    throw new ApiError("conflict", `The dataset can't be searched: its index failed. ${current.error}`, {
      param: "dataset_id",
    });
  }
  const progress = current === undefined ? 0 : progressOf(current);
  const hint = older === undefined ? "" : ' The older index still answers "method": "lexical".';
  throw new UnavailableError(
    "index_not_ready",
    `The dataset is being indexed, ${Math.floor(100 * progress)} % done.${hint}`,
    { param: "dataset_id", details: { progress }, retryAfterSeconds: 2 },
  );
}

export type IndexState = "pending" | "indexing" | "reindexing" | "ready" | "failed";

/** What clients see of a corpus's index: the one of today's recipe, built or being built. */
export function indexState(
  indexes: readonly IndexRecord[],
  recipe: IndexRecipe,
): { readonly state: IndexState; readonly index: IndexRecord | undefined } {
  const index = indexes.find((candidate) => isMadeWith(candidate, recipe));
  if (index === undefined) return { state: indexes.length > 0 ? "reindexing" : "pending", index };
  if (index.status !== "building") return { state: index.status, index };
  return { state: indexes.length > 1 ? "reindexing" : "indexing", index };
}
