-- Outputs of tools that were too long for the model, whole.
CREATE TABLE agent_outputs (
  session_id text NOT NULL REFERENCES agent_sessions ON DELETE CASCADE,
  call_id text NOT NULL,
  output text NOT NULL,
  PRIMARY KEY (session_id, call_id)
);
