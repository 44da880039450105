import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer, type TestServer } from "../support/server.ts";

const root = new URL("../..", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");
const blocks = [...readme.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1] ?? "");
/** Commands of the README: one a line, where a backslash continues a line. */
const commands = blocks
  .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
  .filter((line) => line.trim() !== "");

let server: TestServer;
before(async () => {
  server = await startServer({ env: { MODEL_NAME: "builtin" } });
});
after(() => server[Symbol.asyncDispose]());

const curls = commands.filter((command) => command.startsWith("curl "));

test("the README has a curl line for every route of its first stage", () => {
  for (const path of [
    "/chat",
    "/evaluate",
    "/health",
    "/healthz",
    "/readyz",
    "/model",
    "/v1/health",
    "/v1/chat",
    "/v1/evaluate",
    "/v1/metrics",
  ]) {
    assert.ok(
      curls.some(
        (command) => command.includes(`localhost:8000${path} `) || command.endsWith(`localhost:8000${path}`),
      ),
      path,
    );
  }
});

for (const command of curls) {
  test(`runs: ${command.replace(/\s+/g, " ")}`, async () => {
    const local = command
      .replace("localhost:8000", new URL(server.url).host)
      .replace("curl ", "curl -sS --fail-with-body ");
    const { stdout } = await promisify(execFile)("bash", ["-c", local], { timeout: 120_000 });
    if (command.includes('"stream":true')) assert.match(stdout, /data: \[DONE\]\n\n$/);
    else if (command.includes("/metrics")) assert.match(stdout, /^inference_queue_depth /m);
    else assert.equal(typeof JSON.parse(stdout).request_id, "string", stdout);
    // A first impression: what a small model gets wrong looks like a broken server.
    if (command.includes("/evaluate")) assert.ok(JSON.parse(stdout).scores[0].score >= 8, stdout);
  });
}

test("every npm script that the README names exists", () => {
  const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const [, name = ""] of readme.matchAll(/npm (?:run )?([a-z:]+)/g)) {
    if (name !== "run") assert.ok(name in scripts, `npm run ${name}`);
  }
});

test("every link of the README and the docs leads somewhere", () => {
  const docs = readdirSync(new URL("docs", root))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  for (const page of ["README.md", ...docs]) {
    const url = new URL(page, root);
    for (const [, target = ""] of readFileSync(url, "utf8").matchAll(/\]\(([^)#:]+)\)/g)) {
      assert.ok(existsSync(fileURLToPath(new URL(target, url))), `${page} links to ${target}`);
    }
  }
});
