import type { DatasetAnswer } from "../../../src/features/datasets/schema.ts";
import type { Citation } from "../../../src/features/rag/schema.ts";
import { call } from "../api/client.ts";
import type { Documents } from "./conversation.ts";

/** As long as passages are unless `CHUNK_TOKENS` says otherwise. */
const PASSAGE_TOKENS = 256;
const MOST_PASSAGES = 5;

/** Passages for a question, as many as half the context has room for. @throws ApiFailure, Unreachable */
export async function findPassages(
  query: string,
  { datasetId }: Documents,
  contextWindow = 0,
): Promise<readonly Citation[]> {
  const room = Math.floor(contextWindow / 2 / PASSAGE_TOKENS);
  const body = { query, dataset_id: datasetId, top_k: Math.max(1, Math.min(MOST_PASSAGES, room)) };
  const { passages } = await call<{ passages: readonly Citation[] }>("/v1/rag/search", {
    method: "POST",
    body,
  });
  return passages;
}

/** The datasets that questions can be asked to. @throws ApiFailure, Unreachable */
export async function listDocuments(): Promise<readonly Documents[]> {
  const { data } = await call<{ data: readonly DatasetAnswer[] }>(
    "/v1/datasets?type=rag_corpus&status=ready&limit=100",
  );
  return data.map(({ dataset_id, name }) => ({ datasetId: dataset_id, name }));
}
