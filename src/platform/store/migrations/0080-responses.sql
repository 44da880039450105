-- What `/v1/responses` keeps: as JSON text, since answers may hold what jsonb refuses.
CREATE TABLE responses (
  response_id text PRIMARY KEY,
  -- Order of creation, and the number of its job.
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  status text NOT NULL CHECK (status IN
    ('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled')),
  -- The response that this one continues. No foreign key: either may be deleted first.
  previous_id text,
  -- As it was answered.
  response json NOT NULL,
  -- Its own input, as items.
  input json NOT NULL,
  -- Of one that is made in the background: what was asked for, and how often it was taken up.
  request json,
  attempt integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When it was last made or continued: what is not used for long is deleted.
  used_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX responses_by_use ON responses (used_at);
CREATE INDEX responses_unfinished ON responses (position) WHERE status IN ('queued', 'in_progress');

-- Output items by their own ids, by which later input may name them.
CREATE TABLE response_items (
  item_id text PRIMARY KEY,
  response_id text NOT NULL REFERENCES responses ON DELETE CASCADE,
  item json NOT NULL
);
CREATE INDEX response_items_by_response ON response_items (response_id);

-- What followers of a response in the background were told, some events a row.
CREATE TABLE response_events (
  response_id text NOT NULL REFERENCES responses ON DELETE CASCADE,
  last_number integer NOT NULL,
  events json NOT NULL,
  PRIMARY KEY (response_id, last_number)
);

CREATE TABLE conversations (
  conversation_id text PRIMARY KEY,
  metadata json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE conversation_items (
  conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE,
  position bigint GENERATED ALWAYS AS IDENTITY,
  item_id text NOT NULL,
  item json NOT NULL,
  PRIMARY KEY (conversation_id, position),
  UNIQUE (conversation_id, item_id)
);

-- Chat completions that were asked to be stored.
CREATE TABLE chat_completions (
  completion_id text PRIMARY KEY,
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  model text NOT NULL,
  metadata jsonb NOT NULL,
  -- As it was answered.
  completion json NOT NULL,
  -- What it answers.
  messages json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chat_completions_by_age ON chat_completions (created_at);
