/** What a family of models was trained with that its file does not say. */
export interface EmbeddingProfile {
  /** What goes before a question, and before a text that questions are about. */
  readonly prefixes?: { readonly query: string; readonly document: string };
  /** Trained to make the first elements of a vector a vector too (Kusupati et al. 2022, arXiv:2205.13147). */
  readonly shortenable?: boolean;
}

/** By model names; from the models' own cards. */
const profiles: ReadonlyArray<readonly [pattern: RegExp, profile: EmbeddingProfile]> = [
  [
    /nomic-embed-text-v1\.5/i,
    { prefixes: { query: "search_query: ", document: "search_document: " }, shortenable: true },
  ],
  [/nomic-embed-text/i, { prefixes: { query: "search_query: ", document: "search_document: " } }],
  [
    /bge-(small|base|large)-en/i,
    { prefixes: { query: "Represent this sentence for searching relevant passages: ", document: "" } },
  ],
  [
    /(^|[/-])(multilingual-)?e5-(small|base|large)/i,
    { prefixes: { query: "query: ", document: "passage: " } },
  ],
];

/** The profile of the model that goes by any of these names. */
export function profileOf(names: readonly string[]): EmbeddingProfile {
  return profiles.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1] ?? {};
}

/** Names that people use, and the repository that has the model as a GGUF file. */
const repositories: ReadonlyMap<string, string> = new Map([
  ["BAAI/bge-small-en-v1.5", "CompendiumLabs/bge-small-en-v1.5-gguf"],
  ["nomic-embed-text", "nomic-ai/nomic-embed-text-v1.5-GGUF"],
  ["nomic-ai/nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v1.5-GGUF"],
]);

/** Where `EMBEDDING_MODEL` is found: under its own name, but for a few well-known ones. */
export function repositoryOf(name: string): string {
  return repositories.get(name) ?? name;
}
