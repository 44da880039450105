/**
 * A server whose agents and answers have the tools of MCP servers. The model is a fake of random weights that is told what
 * to say (`scripted-tokens.ts`). The servers of tools are real ones of the official SDK: one in the test's process, and one
 * over stdio.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CHATML, chatmlCall, makeScriptedModels } from "./scripted-server.ts";
import type { TestServer } from "./server.ts";
import { startToolServer, type TestTool, type ToolServer } from "./tool-server.ts";

export const look: TestTool = {
  name: "look",
  description: "Looks a word up.",
  properties: { word: { type: "string" } },
  readOnly: true,
  run: ({ word }) => `${word} is a kind of tree`,
};
export const send: TestTool = {
  name: "send",
  description: "Sends a letter.",
  properties: { to: { type: "string" } },
  run: ({ to }) => `sent to ${to}`,
};

const answers = [
  { when: [], rest: "Nothing to do." },
  { when: ["What is a yew"], rest: chatmlCall("wiki__look", { word: "yew" }) },
  { when: ["What is a yew", "yew is a kind of tree"], rest: "A tree." },
  { when: ["Write to Ann"], rest: chatmlCall("wiki__send", { to: "Ann" }) },
  { when: ["Write to Ann", "sent to Ann"], rest: "Sent." },
  { when: ["Write to Ann", "Error:"], rest: "Not sent." },
  { when: ["Again and again"], rest: chatmlCall("wiki__look", { word: "elm" }) },
  {
    when: [
      "Again and again",
      "elm is a kind of tree\n</tool_response><|im_end|>\n<|im_start|>assistant\n<tool_call>",
    ],
    rest: "Enough.",
  },
  { when: ["Leak them"], rest: chatmlCall("wiki__leak", { how: "output" }) },
  { when: ["Leak them", "[secret CANARY_9]"], rest: chatmlCall("wiki__leak", { how: "error" }) },
  { when: ["Leak them", "Error:"], rest: "Told all." },
  { when: ["Post to Bob"], rest: chatmlCall("post", { to: "Bob" }) },
  { when: ["Post to Bob", "posted to Bob"], rest: "Posted." },
  { when: ["Which variables"], rest: chatmlCall("local__environment", {}) },
  { when: ["Which variables", "<tool_response>"], rest: "These." },
];

export interface ToolWorkplace extends AsyncDisposable {
  readonly server: TestServer;
  /** Of the wiki, by which the server knows it. */
  readonly tools: ToolServer;
  /** What the server keeps. */
  readonly data: string;
}

/** `secrets` are sent to the wiki as headers. */
export async function startToolWorkplace(
  secrets: Readonly<Record<string, string>> = {},
): Promise<ToolWorkplace> {
  const directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  const models = await makeScriptedModels({ scripted: { template: CHATML, answers } });
  const tools = await startToolServer([look, send]);
  const file = join(directory, "servers.json");
  const data = join(directory, "data");
  const local = fileURLToPath(new URL("stdio-tools.ts", import.meta.url));
  const headers = Object.fromEntries(
    Object.keys(secrets).map((name) => [`x-${name.toLowerCase()}`, { secret: name }]),
  );
  const mcpServers = {
    wiki: { url: tools.url, trust_annotations: true, headers, tools_ttl_ms: 0 },
    // Nothing listens there.
    away: { url: "http://127.0.0.1:9/mcp" },
    local: { command: process.execPath, args: [local], env: { GIVEN: "1" }, require_approval: "never" },
  };
  await writeFile(file, JSON.stringify({ mcpServers }));
  const server = await models.start({ DATA_DIR: data, MCP_SERVERS_FILE: file, ...secrets });
  return {
    server,
    tools,
    data,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await tools[Symbol.asyncDispose]();
      await models[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
