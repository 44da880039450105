/**
 * `npm run conformance:mcp`: the MCP project's own suite, in a pinned release that npx fetches, against `/mcp` of a server
 * with the built-in model and against the client of MCP servers, in both revisions of the protocol. The
 * baselines have what is expected to fail, and why; what fails beside it, and what does not fail though it is there, is
 * an error. Results of each check go into `--results DIRECTORY`, where that is given.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { KEY, startServer } from "../../test/support/server.ts";

const SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12";
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

const { values } = parseArgs({ options: { results: { type: "string" } } });
const results = values.results ?? (await mkdtemp(join(tmpdir(), "llm-server-conformance-")));
await using server = await startServer();

/** The suite sends no key. */
const withKey = createServer((incoming, answer) => {
  const { method, url, headers } = incoming;
  const passed = request(
    new URL(url ?? "/", server.url),
    { method, headers: { ...headers, ...KEY } },
    (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    },
  );
  incoming.pipe(passed);
  answer.on("close", () => passed.destroy());
  passed.on("error", () => answer.destroy());
});
withKey.listen(0, "127.0.0.1");
await once(withKey, "listening");
const { port } = withKey.address() as AddressInfo;

/** The suite starts all clients at once. */
const CLIENT_MS = "120000";
const client = ["client", "--command", `${process.execPath} ${here("client.ts")}`, "--timeout", CLIENT_MS];
const legs = [["server", "--url", `http://127.0.0.1:${port}/mcp`], client];
const failed: string[] = [];
for (const revision of ["2026-07-28", "2025-11-25"])
  for (const leg of legs) {
    const baseline = here(`baseline-${revision}.yaml`);
    const more = ["--requirements", revision, "--expected-failures", baseline, "--output-dir", results];
    console.log(`\n== ${leg[0]}, ${revision}`);
    const suite = spawn("npx", ["--yes", SUITE, ...leg, ...more], { cwd: results, stdio: "inherit" });
    const [code] = (await once(suite, "exit")) as [number | null];
    if (code !== 0) failed.push(`${leg[0]} ${revision}`);
  }
withKey.closeAllConnections();
withKey.close();
if (values.results === undefined) await rm(results, { recursive: true });
if (failed.length > 0) throw new Error(`not as the baseline says: ${failed.join(", ")}`);
