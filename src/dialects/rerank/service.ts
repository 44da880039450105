import { ApiError, InvalidRequestError } from "../../errors.ts";
import type { Reranker } from "../../inference/reranker.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { requireWellFormed } from "../content.ts";
import type { RerankAnswer, RerankBody } from "./schema.ts";

/** Answers `/v1/rerank`, in the shape that Cohere's and Jina's clients know. */
export class RerankService {
  readonly #reranker: Reranker;
  readonly #requested: string | undefined;

  /** `requested` is how the configuration names the model. */
  constructor(reranker: Reranker, requested: string | undefined) {
    this.#reranker = reranker;
    this.#requested = requested;
  }

  /** @throws ApiError naming the field */
  async rank(body: RerankBody, signal: AbortSignal): Promise<RerankAnswer> {
    const documents = body.documents.map(textOf);
    const { model } = this.#reranker;
    if (isSet(body.model) && body.model !== model && body.model !== this.#requested) {
      throw new ApiError("not_found", `The reranker ${JSON.stringify(body.model)} is not served here.`, {
        param: "model",
        details: { available: [model] },
      });
    }
    const { scores, tokens } = await this.#reranker
      .score(body.query, documents, { signal })
      .catch((error: unknown) => {
        throw naming(error);
      });
    const total = tokens.reduce((sum, count) => sum + count, 0);
    return {
      results: scores
        .map((score, index) => ({
          index,
          relevance_score: score,
          ...(body.return_documents === true && { document: { text: documents[index] as string } }),
        }))
        .toSorted((a, b) => b.relevance_score - a.relevance_score)
        .slice(0, body.top_n ?? scores.length),
      model,
      usage: { prompt_tokens: total, total_tokens: total },
    };
  }
}

/** @throws InvalidRequestError naming the document */
function textOf(document: unknown, index: number): string {
  const isObject = typeof document === "object" && document !== null && "text" in document;
  const text = isObject ? document.text : document;
  const param = isObject ? `documents[${index}].text` : `documents[${index}]`;
  if (typeof text !== "string" || text === "")
    throw new InvalidRequestError(`${param} must be a text that is not empty`, { param });
  return requireWellFormed(text, param);
}

/** Lets the reranker's error name the field that the client used. */
function naming(error: unknown): unknown {
  if (!(error instanceof ApiError) || typeof error.details?.["index"] !== "number") return error;
  const { code, message, details } = error;
  return new ApiError(code, message, { param: `documents[${details["index"]}]`, details, cause: error });
}
