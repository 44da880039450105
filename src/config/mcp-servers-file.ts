import { readFileSync } from "node:fs";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { type Setting, setting } from "./setting.ts";

/** Text, or the name of the environment variable that holds it. */
const TextOrSecret = Type.Union([Type.String(), Type.Object({ secret: Type.String({ minLength: 1 }) })]);
export type SecretText = Static<typeof TextOrSecret>;

const Filter = Type.Object(
  {
    tool_names: Type.Optional(Type.Array(Type.String())),
    read_only: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const shared = {
  /** Believe what the server says of its tools: which only read, and which may be run again. */
  trust_annotations: Type.Optional(Type.Boolean()),
  allowed_tools: Type.Optional(Type.Array(Type.String())),
  require_approval: Type.Optional(
    Type.Union([
      Type.Literal("always"),
      Type.Literal("never"),
      Type.Object(
        { always: Type.Optional(Filter), never: Type.Optional(Filter) },
        { additionalProperties: false },
      ),
    ]),
  ),
  timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
  /** How long a list of its tools counts. */
  tools_ttl_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
};

const LocalServer = Type.Object(
  {
    command: Type.String({ minLength: 1 }),
    args: Type.Optional(Type.Array(Type.String())),
    env: Type.Optional(Type.Record(Type.String(), TextOrSecret)),
    cwd: Type.Optional(Type.String({ minLength: 1 })),
    ...shared,
  },
  { additionalProperties: false },
);
const RemoteServer = Type.Object(
  {
    url: Type.String({ pattern: "^https?://" }),
    headers: Type.Optional(Type.Record(Type.String(), TextOrSecret)),
    ...shared,
  },
  { additionalProperties: false },
);
export type McpServerEntry = Static<typeof LocalServer> | Static<typeof RemoteServer>;

/** Names go into the names of tools. */
const Label = "^[A-Za-z0-9_-]{1,32}$";
const McpServersFile = Type.Object(
  {
    mcpServers: Type.Record(Type.String({ pattern: Label }), Type.Unsafe<McpServerEntry>({ type: "object" })),
  },
  { additionalProperties: false },
);
export type McpServerEntries = Readonly<Record<string, McpServerEntry>>;

/** Path of a file of MCP servers. It is read with the configuration, and its mistakes are reported with all others. */
export function mcpServersFile(variable: string, description: string): Setting<McpServerEntries> {
  return setting<McpServerEntries>(
    variable,
    description,
    "a JSON file",
    { fallback: {}, defaultText: "" },
    (path) => readMcpServers(readFileSync(path, "utf8")),
  );
}

/** @throws Error that names what is wrong, and where */
export function readMcpServers(text: string): McpServerEntries {
  const content = parse(text);
  if (!Value.Check(McpServersFile, content))
    throw new Error(`must be the path of a JSON file {"mcpServers": {…}} with names of ${Label}`);
  for (const [label, entry] of Object.entries(content.mcpServers)) {
    const schema = "command" in entry ? LocalServer : RemoteServer;
    const [error] = Value.Errors(schema, entry);
    if (error !== undefined)
      throw new Error(`mcpServers.${label}${error.instancePath.replaceAll("/", ".")} ${error.message}`);
  }
  return content.mcpServers;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`must be the path of a JSON file: ${(error as Error).message}`, { cause: error });
  }
}
