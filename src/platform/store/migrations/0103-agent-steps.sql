-- What each step of a turn was and cost: answers of the model, and calls of tools that ran here.
CREATE TABLE agent_steps (
  session_id text NOT NULL REFERENCES agent_sessions ON DELETE CASCADE,
  position bigint GENERATED ALWAYS AS IDENTITY,
  step_id text NOT NULL,
  turn_id text NOT NULL,
  step json NOT NULL,
  PRIMARY KEY (session_id, position),
  UNIQUE (session_id, step_id)
);
