import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { validate } from "dockerfile-utils";
import { TEST_MODEL } from "../support/model.ts";

/*
 * No Docker engine runs where these tests do. The image's layers are made by the same files and commands that the
 * Dockerfile names, in a bare directory, and run as an unprivileged user that can write to /data's stand-in only.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "llm-server-image-"));
after(() => rmSync(work, { recursive: true, force: true }));

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

test("the Dockerfile has no mistakes that its language's checker knows", () => {
  const problems = validate(readFileSync(join(root, "Dockerfile"), "utf8"));
  assert.deepEqual(
    problems.map(({ message, range }) => `${range.start.line + 1}: ${message}`),
    [],
  );
});

test("everything that the Dockerfile copies is let through by .dockerignore", () => {
  const ignore = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  const copies = readFileSync(join(root, "Dockerfile"), "utf8").matchAll(/^COPY (?!--from)(.+) \S+$/gm);
  const sources = [...copies].flatMap((match) => (match[1] ?? "").split(" "));
  assert.ok(sources.length >= 4);
  for (const source of sources) assert.ok(ignore.includes(`!${source}`), `${source} is ignored`);
});

test("the image's layers serve as an unprivileged user who can write nowhere but in the data directory", {
  skip: isRoot ? false : "needs root, to make files that the server's user can't write",
}, async () => {
  const app = join(work, "app");
  const data = join(work, "data");
  mkdirSync(join(app, "deploy"), { recursive: true });
  mkdirSync(data);
  for (const file of [
    "package.json",
    "package-lock.json",
    "LICENSE",
    "deploy/install-production.sh",
    "src",
  ]) {
    cpSync(join(root, file), join(app, file), { recursive: true });
  }
  execFileSync("sh", ["deploy/install-production.sh"], { cwd: app, stdio: "pipe" });
  const platform = `${process.platform}-${process.arch}`;
  assert.deepEqual(readdirSync(join(app, "node_modules/@node-llama-cpp")), [platform]);
  assert.ok(
    !readdirSync(join(app, "node_modules")).includes("typescript"),
    "development dependencies are left out",
  );
  const model = join(work, "model.gguf");
  cpSync(TEST_MODEL, model);
  chmodSync(model, 0o444);
  chmodSync(work, 0o755);
  chownSync(data, NOBODY, NOBODY);

  const server = spawn(process.execPath, ["src/main.ts", "serve"], {
    cwd: app,
    uid: NOBODY,
    gid: NOBODY,
    env: {
      PATH: process.env["PATH"],
      HOME: data,
      DATA_DIR: data,
      HF_HOME: join(data, "hf"),
      PORT: "0",
      THREADS: "1",
      MODEL_NAME: model,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(server, "exit");
  const address = Promise.withResolvers<string>();
  const ready = Promise.withResolvers<void>();
  createInterface({ input: server.stdout }).on("line", (line) => {
    const url = /listening on (http:[^"]+)"/.exec(line)?.[1];
    if (url !== undefined) address.resolve(url);
    if (line.includes('"msg":"ready"')) ready.resolve();
  });
  const url = await Promise.race([address.promise, exited.then(() => assert.fail("the server ended"))]);
  await Promise.race([ready.promise, exited.then(() => assert.fail("the server ended"))]);
  const response = await fetch(`${url}/chat`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "Once upon a time", max_new_tokens: 8 }),
  });
  assert.equal(response.status, 200);
  const embedded = await fetch(`${url}/v1/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "dev-local-key" },
    body: JSON.stringify({ input: "Once upon a time" }),
  });
  assert.equal(embedded.status, 200, "the installed embedding model works");
  server.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
});
