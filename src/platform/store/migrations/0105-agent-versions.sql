-- Counts the changes of a session: who knows it as of a version can change it without reading it again.
ALTER TABLE agent_sessions ADD COLUMN version integer NOT NULL DEFAULT 0;
