import { type Static, Type } from "typebox";
import { OneOf } from "../../platform/schema/one-of.ts";
import { PromptText } from "../../platform/schema/text.ts";
import { AccountField, IncludeField } from "../../telemetry/answer-account.ts";
import { Timings } from "../../telemetry/timings.ts";
import { searchMethods } from "./search/retriever.ts";

/** What is looked up, and how. */
const SearchFields = {
  query: PromptText("What to look up and answer."),
  dataset_id: Type.String({ minLength: 1, maxLength: 128, format: "text" }),
  top_k: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 50,
      default: 5,
      description: "Maximum number of passages to answer from.",
    }),
  ),
  method: Type.Optional(
    OneOf(searchMethods, {
      default: "hybrid",
      description: "Search by meaning (`vector`), by words (`lexical`), or by both.",
    }),
  ),
};

/** Body of `POST /v1/rag/search`. */
export const SearchBody = Type.Object(SearchFields);
export type SearchBody = Static<typeof SearchBody>;

/** Body of `POST /v1/rag/query`; `limit` is the largest `max_new_tokens` that this server allows. */
export function RagBody(limit: number) {
  return Type.Object({
    ...SearchFields,
    max_new_tokens: Type.Optional(
      Type.Integer({ minimum: 1, maximum: limit, default: Math.min(220, limit) }),
    ),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2, default: 0.1 })),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295 })),
    stream: Type.Optional(Type.Boolean({ default: false, description: "Answer with server-sent events." })),
    ...IncludeField,
  });
}
export type RagBody = Static<ReturnType<typeof RagBody>>;

const Citation = Type.Object({
  index: Type.Integer({
    description: "The passage's number in the prompt, from 1, by which answers cite it.",
  }),
  cited: Type.Boolean({ description: "The answer names it as a source." }),
  doc_id: Type.String(),
  chunk_id: Type.String(),
  dataset_id: Type.String(),
  score: Type.Number({ description: "0 to 1 by the method of the search." }),
  similarity: Type.Union([Type.Number(), Type.Null()], {
    description: "Cosine of the passage and the question.",
  }),
  word_coverage: Type.Number({
    description: "Share of the question's significant words that it has, 0 to 1.",
  }),
  heading_path: Type.Array(Type.String()),
  start: Type.Integer({ description: "Where the passage begins in the document, in UTF-16 units." }),
  end: Type.Integer(),
  text: Type.String(),
});
export type Citation = Static<typeof Citation>;

export const SearchAnswer = Type.Object({
  passages: Type.Array(Citation, {
    description: "Most relevant first; empty when nothing relevant was found. Nothing is answered from them.",
  }),
  request_id: Type.String(),
});

export const RagAnswer = Type.Object({
  answer: Type.String(),
  response: Type.String({ description: "The same text." }),
  citations: Type.Array(Citation, {
    description: "The passages in the prompt, most relevant first; empty when nothing relevant was found.",
  }),
  retrieved_chunks: Type.Array(Citation, { description: "The same." }),
  retrieval: Type.Object({
    dataset_id: Type.String(),
    top_k: Type.Integer(),
    method: OneOf(searchMethods),
    latency_ms: Type.Number(),
    reranked: Type.Boolean({ description: "Ordered by the reranking model." }),
    below_floor: Type.Integer({ description: "Passages found and not used: not relevant enough." }),
    dropped_chunks: Type.Integer({
      description: "Relevant passages left out: the context window has no room.",
    }),
  }),
  generation: Type.Object({
    model: Type.String(),
    latency_ms: Type.Number(),
    prompt_tokens: Type.Integer(),
    cached_prompt_tokens: Type.Integer(),
    completion_tokens: Type.Integer(),
    context_window: Type.Integer(),
    kv_cache_bytes: Type.Integer({ description: "Of the KV cache that prompt and answer take." }),
    finish_reason: Type.Union([OneOf(["stop", "length", "cancelled"]), Type.Null()]),
    timings: Type.Union([Timings, Type.Null()]),
  }),
  ...AccountField,
  request_id: Type.String(),
});
export type RagAnswer = Static<typeof RagAnswer>;

export const IndexStatus = Type.Object({
  dataset_id: Type.String(),
  status: OneOf(["pending", "indexing", "reindexing", "ready", "failed"], {
    description:
      "`reindexing`: the embedding model changed; until it is done only `lexical` searches are answered.",
  }),
  progress: Type.Number({ description: "0 to 1." }),
  documents: Type.Integer(),
  chunks: Type.Integer(),
  embedded_chunks: Type.Integer(),
  dimensions: Type.Integer(),
  model: Type.String({ description: "The embedding model." }),
  error: Type.Union([Type.String(), Type.Null()]),
  request_id: Type.Optional(Type.String()),
});
export type IndexStatus = Static<typeof IndexStatus>;
