/** What retrieval needs to know of the datasets that it searches. */
export interface Corpus {
  readonly datasetId: string;
  /** Documents; none are added or changed later. */
  readonly records: number;
}

export interface CorpusDocument {
  readonly docId: string;
  readonly title: string | undefined;
  readonly text: string;
}

/** The corpora there are: datasets of type `rag_corpus` whose upload is complete. */
export interface Corpora {
  /**
   * @throws ApiError `not_found` for an unknown dataset, `invalid_request` naming `param` when it is not a corpus,
   * `conflict` when its upload is not complete
   */
  require(datasetId: string, param: string): Promise<Corpus>;
  list(): Promise<Corpus[]>;
  /** Documents in the order of the upload, from number `from` (0 is the first) on, at most `limit`. */
  documents(datasetId: string, from: number, limit: number): Promise<CorpusDocument[]>;
}
