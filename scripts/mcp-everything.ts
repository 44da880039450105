/**
 * `npm run check:mcp-everything`: agents with the tools of the MCP project's reference server, over stdio and HTTP. npm
 * fetches a pinned release of it into a temporary folder: it needs 105 packages, and its own has no licence text. The
 * model is one of random weights that is told what to say.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../test/support/free-port.ts";
import { CHATML, chatmlCall, makeScriptedModels } from "../test/support/scripted-server.ts";
import { json, until } from "../test/support/server.ts";

const PACKAGE = "@modelcontextprotocol/server-everything@2026.8.31";
/** Less than the long operation takes: its reports of progress keep the call alive. */
const TIMEOUT_MS = 2_000;
const labels = ["stdio", "http"];
const cases = [
  { tool: "echo", given: { message: "halloo" }, output: /^Echo: halloo$/ },
  { tool: "get-sum", given: { a: 19, b: 23 }, output: /sum of 19 and 23 is 42/ },
  { tool: "get-structured-content", given: { location: "Chicago" }, output: /"humidity":82/ },
  { tool: "get-tiny-image", given: {}, output: /\[image\/png, \d+ bytes\]\nThe image above/ },
  { tool: "get-resource-links", given: { count: 2 }, output: /\[Text Resource 2: demo:/ },
  { tool: "trigger-long-running-operation", given: { duration: 4, steps: 8 }, output: /Duration: 4 sec/ },
];
const answers = [
  { when: [], rest: "Done." },
  ...labels.flatMap((label) => [
    ...cases.map(({ tool, given }) => ({
      when: [`Use ${tool} of ${label}.`],
      rest: chatmlCall(`${label}__${tool}`, given),
    })),
    { when: [`Add by ${label}.`], rest: chatmlCall("tool_search", { query: "sum of two numbers" }) },
    {
      when: [`Add by ${label}.`, `${label}__get-sum: `],
      rest: chatmlCall(`${label}__get-sum`, { a: 1, b: 2 }),
    },
    { when: [`Add by ${label}.`, "sum of 1 and 2 is 3"], rest: "Done." },
    ...cases.map(({ tool }) => ({ when: [`Use ${tool} of ${label}.`, "\n<tool_response>"], rest: "Done." })),
  ]),
];

const directory = await mkdtemp(join(tmpdir(), "llm-server-everything-"));
await writeFile(join(directory, "package.json"), '{"private": true}');
const options = ["--no-audit", "--no-fund", "--prefer-offline"];
await promisify(execFile)("npm", ["install", ...options, PACKAGE], { cwd: directory });
const program = join(
  directory,
  "node_modules",
  "@modelcontextprotocol",
  "server-everything",
  "dist",
  "index.js",
);
const port = await freePort();
const url = `http://127.0.0.1:${port}/mcp`;
const http = spawn(process.execPath, [program, "streamableHttp"], {
  env: { PATH: process.env["PATH"], PORT: String(port) },
  stdio: "ignore",
});
try {
  await until(async () => (await fetch(url).catch(() => undefined)) !== undefined);
  const common = { trust_annotations: true, timeout_ms: TIMEOUT_MS };
  const mcpServers = {
    stdio: { command: process.execPath, args: [program, "stdio"], ...common },
    http: { url, ...common },
  };
  const file = join(directory, "servers.json");
  await writeFile(file, JSON.stringify({ mcpServers }));
  await using models = await makeScriptedModels({ scripted: { template: CHATML, answers } }, 16_384);
  await using server = await models.start({ MCP_SERVERS_FILE: file, CONTEXT_SIZE: "16384" });
  /** What came of each call, in a session that does what it is told. */
  const outputs = async (input: string, tools: readonly object[]) => {
    const body = { environment: { type: "none" }, agent: { model: "scripted", tools }, input };
    const { id } = await json<{ id: string }>(server.post("/v1/agents/sessions", body));
    await until(async () => {
      const { status } = await json<{ status: string }>(server.get(`/v1/agents/sessions/${id}`));
      return status !== "in_progress";
    });
    const { data } = await json<{ data: ReadonlyArray<{ type: string; output?: string; error?: string }> }>(
      server.get(`/v1/agents/sessions/${id}/items?order=asc`),
    );
    return data
      .filter(({ type }) => type === "mcp_call")
      .map(({ output, error }) => output ?? `Error: ${error}`);
  };
  for (const label of labels) {
    const remote = { type: "mcp", server_label: label };
    for (const { tool, output } of cases) {
      const [told = "no call"] = await outputs(`Use ${tool} of ${label}.`, [remote]);
      assert.match(told, output);
      console.log(`ok  ${label}: ${tool}`);
    }
    const deferred = [{ type: "tool_search" }, { ...remote, defer_loading: true }];
    assert.match((await outputs(`Add by ${label}.`, deferred))[1] ?? "no second call", /1 and 2 is 3/);
    console.log(`ok  ${label}: get-sum, found by a search`);
  }
  const { data } = await json<{ data: ReadonlyArray<{ label: string; revision: string | null }> }>(
    server.get("/v1/mcp/servers"),
  );
  for (const { label, revision } of data) console.log(`${label}: revision ${revision}`);
} finally {
  http.kill();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}
