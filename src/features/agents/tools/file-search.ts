import type { Citation, SearchBody } from "../../rag/schema.ts";
import { ownTool, type ServerTool } from "./server-tool.ts";

export type SearchPassages = (
  body: SearchBody,
  context: { readonly signal: AbortSignal },
) => Promise<readonly Citation[]>;

/** Searches the operator's datasets; each passage says where it stands, for the answer to cite. */
export function fileSearch(
  search: SearchPassages,
  { datasetIds, maxResults }: { readonly datasetIds: readonly string[]; readonly maxResults: number },
): ServerTool {
  return ownTool(
    {
      name: "file_search",
      description:
        "Finds passages of documents that fit a question. Each begins with its source in brackets, by which to cite it.",
      properties: { query: { type: "string", minLength: 1, maxLength: 2_000 } },
    },
    "read",
    async ({ query }, { signal }) => {
      const found = await Promise.all(
        datasetIds.map((datasetId) =>
          search({ query: String(query), dataset_id: datasetId, top_k: maxResults }, { signal }),
        ),
      );
      const best = found
        .flat()
        .sort((a, b) => b.score - a.score)
        .slice(0, maxResults);
      if (best.length === 0) return "Nothing was found.";
      return best
        .map(
          ({ dataset_id, doc_id, start, end, text }) => `[${dataset_id}/${doc_id}:${start}-${end}]\n${text}`,
        )
        .join("\n\n");
    },
  );
}
