-- requires: vector

-- One row for each index of a corpus: the one that is served and the one that is to take its place.
CREATE TABLE rag_indexes (
  index_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dataset_id text NOT NULL REFERENCES datasets ON DELETE CASCADE,
  -- The vector space: vectors of different ids are never compared.
  embedder_id text NOT NULL,
  model text NOT NULL,
  dimensions integer NOT NULL,
  -- How documents were cut and words were read; with another way the index is made anew.
  method text NOT NULL,
  status text NOT NULL CHECK (status IN ('building', 'ready', 'failed')),
  -- How far the building is; kept in the same transaction as what was built, so that it goes on from there after a crash.
  records integer NOT NULL,
  chunked_records integer NOT NULL DEFAULT 0,
  chunks integer NOT NULL DEFAULT 0,
  embedded_chunks integer NOT NULL DEFAULT 0,
  -- Searched by its HNSW graph; a small index is searched exactly.
  has_graph boolean NOT NULL DEFAULT false,
  error text,
  -- Which server is building, and until when nobody else may.
  builder text,
  builder_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (dataset_id, embedder_id, method)
);

-- Each index has partitions of its own (rag_chunks_7, rag_vectors_7, rag_words_7), so that a search reads nothing of
-- other indexes, and deleting one drops its tables instead of leaving dead rows behind.
CREATE TABLE rag_chunks (
  index_id bigint NOT NULL,
  -- From 0 through the corpus.
  ordinal integer NOT NULL,
  doc_id text NOT NULL,
  -- UTF-16 offsets in the document's text.
  start_offset integer NOT NULL,
  end_offset integer NOT NULL,
  heading_path json NOT NULL,
  text text NOT NULL,
  words tsvector NOT NULL,
  PRIMARY KEY (index_id, ordinal)
) PARTITION BY LIST (index_id);

CREATE TABLE rag_vectors (
  index_id bigint NOT NULL,
  ordinal integer NOT NULL,
  embedding vector NOT NULL,
  PRIMARY KEY (index_id, ordinal)
) PARTITION BY LIST (index_id);
-- In the row and not beside it: an exact search reads every vector.
ALTER TABLE rag_vectors ALTER embedding SET STORAGE PLAIN;

-- In which part of the chunks a word occurs, 0 to 1; words that are not here are rare.
CREATE TABLE rag_words (
  index_id bigint NOT NULL,
  word text NOT NULL,
  share real NOT NULL,
  PRIMARY KEY (index_id, word)
) PARTITION BY LIST (index_id);
