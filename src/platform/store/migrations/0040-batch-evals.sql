CREATE TABLE batch_runs (
  run_id text PRIMARY KEY,
  -- Order of creation, for paging that is stable under inserts.
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  status text NOT NULL CHECK (status IN
    ('queued', 'running', 'paused', 'completed', 'completed_with_failures', 'failed', 'cancelled')),
  -- Why it stands still or failed, when it was not a user who made it so.
  status_reason text,
  -- No foreign key: a run keeps what it needs of its dataset and outlives it.
  dataset_id text NOT NULL,
  -- What was asked for, with every default written out.
  request jsonb NOT NULL,
  -- What it is measured with: model, engine, prompts, dataset, code.
  provenance jsonb NOT NULL,
  total integer NOT NULL,
  -- Results of each kind; kept with them, in the same transactions.
  completed integer NOT NULL DEFAULT 0,
  failed integer NOT NULL DEFAULT 0,
  last_event integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX batch_runs_unfinished ON batch_runs (position) WHERE finished_at IS NULL;

-- Every time that a record was taken up, and what became of it.
CREATE TABLE batch_attempts (
  run_id text NOT NULL REFERENCES batch_runs ON DELETE CASCADE,
  position integer NOT NULL,
  -- From 1, without gaps.
  attempt integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  outcome text CHECK (outcome IN ('completed', 'failed', 'interrupted', 'cancelled', 'superseded')),
  error jsonb,
  PRIMARY KEY (run_id, position, attempt),
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX batch_attempts_open ON batch_attempts (run_id) WHERE outcome IS NULL;

-- One row a record, never more: the primary key is what "exactly once" rests on.
CREATE TABLE batch_results (
  run_id text NOT NULL REFERENCES batch_runs ON DELETE CASCADE,
  position integer NOT NULL,
  record_id text NOT NULL,
  status text NOT NULL CHECK (status IN ('completed', 'failed')),
  -- The attempt that made it.
  attempt integer NOT NULL,
  -- The record as it was evaluated.
  record jsonb NOT NULL,
  measurement jsonb,
  error jsonb,
  -- Why it did not pass by the run's rule; null when it passed.
  failure_code text,
  completed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run_id, position),
  CHECK ((status = 'completed') = (measurement IS NOT NULL)),
  CHECK ((status = 'failed') = (error IS NOT NULL))
);
CREATE INDEX batch_results_failures ON batch_results (run_id, position) WHERE failure_code IS NOT NULL;

-- What a follower of the run was told, so that another one can be told the same from any point on.
CREATE TABLE batch_events (
  run_id text NOT NULL REFERENCES batch_runs ON DELETE CASCADE,
  event_id integer NOT NULL,
  type text NOT NULL CHECK (type IN ('status', 'progress')),
  data jsonb NOT NULL,
  PRIMARY KEY (run_id, event_id)
);
