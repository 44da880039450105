CREATE TABLE datasets (
  dataset_id text PRIMARY KEY,
  -- Order of creation, for paging that is stable under inserts.
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  name text NOT NULL,
  type text NOT NULL CHECK (type IN ('rag_corpus', 'eval_set')),
  -- Only what is ready is complete; a dataset that is processing belongs to an upload that is going on.
  status text NOT NULL CHECK (status IN ('processing', 'ready', 'failed')),
  -- 0 to 1.
  progress real NOT NULL DEFAULT 0,
  metadata json NOT NULL,
  record_count integer NOT NULL DEFAULT 0,
  -- Records refused, and the first of the reasons.
  rejected_count integer NOT NULL DEFAULT 0,
  record_errors json NOT NULL DEFAULT '[]',
  -- SHA-256 over the records in their order: the same records have the same hash, wherever they are.
  content_hash text,
  -- Why it failed.
  error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dataset_records (
  dataset_id text NOT NULL REFERENCES datasets ON DELETE CASCADE,
  -- From 0, without gaps.
  position integer NOT NULL,
  record_id text NOT NULL,
  -- json and not jsonb: what is read is what was written, key order and numbers included.
  data json NOT NULL,
  PRIMARY KEY (dataset_id, position),
  UNIQUE (dataset_id, record_id)
);
