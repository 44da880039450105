-- One row a request; by day of arrival, so that what is too old is dropped and never deleted row by row.
-- Partitions are made when their first rows come. Columns of a fixed size first: padding would cost a tenth of the row.
CREATE TABLE ledger_requests (
  id uuid NOT NULL,
  at timestamptz NOT NULL,
  latency_ms real NOT NULL,
  time_to_first_token_ms real,
  queue_ms real NOT NULL,
  prefill_ms real NOT NULL,
  decode_ms real NOT NULL,
  limiter_share real,
  prompt_tokens integer NOT NULL,
  cached_prompt_tokens integer NOT NULL,
  completion_tokens integer NOT NULL,
  reasoning_tokens integer NOT NULL,
  drafted_tokens integer NOT NULL,
  accepted_tokens integer NOT NULL,
  generations integer NOT NULL,
  status smallint NOT NULL,
  stream boolean NOT NULL,
  cached boolean NOT NULL,
  request_id text NOT NULL,
  route text NOT NULL,
  key text,
  model text,
  error text,
  reason text,
  finish_reason text,
  limiter text,
  -- Milliseconds by part, in the order of `latencyPartNames`; null for a part that took nothing.
  parts real[] NOT NULL,
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX ledger_requests_request_id ON ledger_requests (request_id);

-- Sums and histograms by minute, which charts read instead of the rows.
CREATE TABLE ledger_minutes (
  minute timestamptz NOT NULL,
  series text NOT NULL,
  bucket smallint NOT NULL,
  count bigint NOT NULL,
  total double precision NOT NULL,
  PRIMARY KEY (minute, series, bucket)
);
