/** A vector space, and how documents are cut and their words read: what an index was made with. */
export interface IndexRecipe {
  /** `Embedder.id`. */
  readonly embedderId: string;
  readonly model: string;
  readonly dimensions: number;
  /** Everything else that changes what is in an index, as text. */
  readonly method: string;
}

export interface IndexRecord extends IndexRecipe {
  readonly indexId: number;
  readonly datasetId: string;
  readonly status: "building" | "ready" | "failed";
  /** Documents of the corpus, and how many of them are cut into chunks. */
  readonly records: number;
  readonly chunkedRecords: number;
  /** Chunks so far, and how many of them have their vector. */
  readonly chunks: number;
  readonly embeddedChunks: number;
  readonly hasGraph: boolean;
  readonly error: string | undefined;
}

export function isMadeWith(index: IndexRecipe, recipe: IndexRecipe): boolean {
  return index.embedderId === recipe.embedderId && index.method === recipe.method;
}

/** pgvector's graphs hold vectors of at most this many dimensions. */
export const MAX_GRAPH_DIMENSIONS = 2000;

/** Share of the work that is done, 0 to 1; embedding takes by far the longest. */
export function progressOf(index: IndexRecord): number {
  if (index.status === "ready") return 1;
  const chunked = index.chunkedRecords / Math.max(1, index.records);
  const embedded = chunked < 1 ? 0 : index.embeddedChunks / Math.max(1, index.chunks);
  return Number((0.1 * chunked + 0.9 * embedded).toFixed(4));
}

/** A table of one index: `rag_chunks_7`. The number is an integer from the database, so it needs no quoting. */
export function partition(kind: "chunks" | "vectors" | "words", indexId: number): string {
  return `rag_${kind}_${indexId}`;
}

/** The expression that an index's graph is built on and searched by. */
export function embeddingOf({ dimensions }: IndexRecipe): string {
  return `embedding::vector(${dimensions})`;
}
