import { type Static, Type } from "typebox";
import { OrNull } from "../../platform/schema/nullable.ts";
import { PromptText } from "../../platform/schema/text.ts";

export const RerankBody = Type.Object({
  model: OrNull(
    Type.String({
      minLength: 1,
      maxLength: 256,
      format: "text",
      description: "The reranker's name; the served one when left out.",
    }),
  ),
  query: PromptText("What the documents are judged by."),
  documents: Type.Array(
    Type.Unsafe<string | { readonly text: string }>({ description: "A text, or {text}." }),
    {
      minItems: 1,
      maxItems: 1000,
    },
  ),
  top_n: OrNull(Type.Integer({ minimum: 1, description: "Return this many, the most relevant first." })),
  return_documents: OrNull(Type.Boolean({ default: false, description: "Return the texts too." })),
});
export type RerankBody = Static<typeof RerankBody>;

export const RerankAnswer = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        index: Type.Integer({ description: "Place among the request's documents." }),
        relevance_score: Type.Number({ description: "0 to 1." }),
        document: Type.Optional(Type.Object({ text: Type.String() })),
      }),
    ),
    model: Type.String(),
    usage: Type.Object({ prompt_tokens: Type.Integer(), total_tokens: Type.Integer() }),
    request_id: Type.Optional(Type.String()),
  },
  { description: "The documents, the most relevant first." },
);
export type RerankAnswer = Static<typeof RerankAnswer>;
