-- Agents that are kept by name, each version as it was written last.
CREATE TABLE agents (
  agent_id text PRIMARY KEY,
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  -- As it was asked for; what sessions use is copied into them.
  agent json NOT NULL,
  metadata jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Numbers of pieces of work on sessions, which are jobs.
CREATE SEQUENCE agent_work;

CREATE TABLE agent_sessions (
  session_id text PRIMARY KEY,
  -- Order of creation.
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  agent_id text NOT NULL,
  -- What of it never changes: agent, limits, approval.
  plan json NOT NULL,
  -- From which what is next follows.
  state json NOT NULL,
  metadata jsonb NOT NULL,
  next_event integer NOT NULL DEFAULT 0,
  -- The job that works on it; null while there is nothing to do.
  work bigint UNIQUE,
  attempt integer NOT NULL DEFAULT 0,
  -- When a question expires.
  due_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  active_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX agent_sessions_by_use ON agent_sessions (active_at);
CREATE INDEX agent_sessions_due ON agent_sessions (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE agent_turns (
  session_id text NOT NULL REFERENCES agent_sessions ON DELETE CASCADE,
  position bigint GENERATED ALWAYS AS IDENTITY,
  turn_id text NOT NULL,
  turn json NOT NULL,
  PRIMARY KEY (session_id, position),
  UNIQUE (session_id, turn_id)
);

CREATE TABLE agent_items (
  session_id text NOT NULL REFERENCES agent_sessions ON DELETE CASCADE,
  position bigint GENERATED ALWAYS AS IDENTITY,
  item_id text NOT NULL,
  turn_id text NOT NULL,
  item json NOT NULL,
  PRIMARY KEY (session_id, position),
  UNIQUE (session_id, item_id)
);

CREATE TABLE agent_events (
  session_id text NOT NULL REFERENCES agent_sessions ON DELETE CASCADE,
  number integer NOT NULL,
  event json NOT NULL,
  PRIMARY KEY (session_id, number)
);

-- What clients put in, by their keys, which count once.
CREATE TABLE agent_inputs (
  session_id text NOT NULL REFERENCES agent_sessions ON DELETE CASCADE,
  idempotency_key text NOT NULL,
  body_digest text NOT NULL,
  PRIMARY KEY (session_id, idempotency_key)
);

-- Every question whether a call may run, and what came of it.
CREATE TABLE agent_approvals (
  request_id text PRIMARY KEY,
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  session_id text NOT NULL REFERENCES agent_sessions ON DELETE CASCADE,
  turn_id text NOT NULL,
  -- Tool, arguments and definition, which it is bound to.
  call json NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'dropped')),
  asked_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  decided_at timestamptz
);
CREATE INDEX agent_approvals_by_session ON agent_approvals (session_id);
CREATE INDEX agent_approvals_pending ON agent_approvals (position) WHERE status = 'pending';
