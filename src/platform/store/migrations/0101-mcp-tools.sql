-- Tools of other programs' servers as they were first seen, or as a person approved them since.
CREATE TABLE mcp_tool_pins (
  server text NOT NULL,
  tool text NOT NULL,
  digest text NOT NULL,
  pinned_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (server, tool)
);
