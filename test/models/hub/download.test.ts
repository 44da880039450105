import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { resolveModel } from "../../../src/models/resolve.ts";
import { ggufBytes } from "../../support/gguf-file.ts";
import { failsWith, hubWorkplace } from "../../support/hub-workplace.ts";

test("a cut connection is taken up where it broke", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const bytes = await ggufBytes(context, { elements: 50_000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  let cuts = 0;
  hub.faults.cutAfter = () => (cuts++ < 6 ? 20_000 : undefined);
  const model = await resolveModel("org/m", options);
  assert.deepEqual(readFileSync(model.path), bytes);
  assert.ok(cuts > 6);
  assert.ok(hub.bytesServed < bytes.length * 1.5, `${hub.bytesServed} bytes were served for ${bytes.length}`);
});

test("a download that failed goes on in the next process and fetches only what is missing", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const bytes = await ggufBytes(context, { elements: 100_000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  let answered = 0;
  hub.faults.status = () => (answered++ < 4 ? undefined : 503);
  await assert.rejects(resolveModel("org/m", options), failsWith("hub_failed", /503/));
  const before = hub.bytesServed;
  assert.ok(before > 0);
  hub.faults.status = () => undefined;
  const model = await resolveModel("org/m", options);
  assert.deepEqual(readFileSync(model.path), bytes);
  assert.equal(hub.bytesServed, bytes.length);
});

test("a server without ranges still delivers", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const bytes = await ggufBytes(context, { elements: 40_000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  hub.faults.ignoreRanges = true;
  assert.deepEqual(readFileSync((await resolveModel("org/m", options)).path), bytes);
});

test("wrong bytes are fetched again, and refused when they stay wrong", async (context) => {
  const { hub, hfHome, options } = await hubWorkplace(context);
  const bytes = await ggufBytes(context, { elements: 5000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  let corrupted = 0;
  hub.faults.corrupt = () => corrupted++ < 1;
  assert.deepEqual(readFileSync((await resolveModel("org/m", options)).path), bytes);
  hub.add("org/bad", { "bad-Q8_0.gguf": bytes, "config.json": "{}" });
  hub.faults.corrupt = () => true;
  await assert.rejects(resolveModel("org/bad", options), failsWith("checksum_mismatch", /SHA-256/));
  assert.deepEqual(readdirSync(join(hfHome, "hub", "models--org--bad", "blobs")), []);
});

test("several processes that start at once fetch a model once", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const bytes = await ggufBytes(context, { elements: 60_000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  const script = join(import.meta.dirname, "../../support/resolve-process.ts");
  const starts = Array.from({ length: 3 }, () =>
    promisify(execFile)(process.execPath, [script, "org/m", JSON.stringify(options)]),
  );
  const here = [resolveModel("org/m", options), resolveModel("org/m", options)];
  const paths = [
    ...(await Promise.all(starts)).map(({ stdout }) => stdout.trim()),
    ...(await Promise.all(here)).map(({ path }) => path),
  ];
  assert.equal(new Set(paths).size, 1);
  assert.equal(hub.bytesServed, bytes.length);
});

test("a lock left by a process that died does not hold up the next", async (context) => {
  const { hub, hfHome, options } = await hubWorkplace(context);
  hub.add("org/m", { "m-Q8_0.gguf": await ggufBytes(context) });
  const dead = await promisify(execFile)(process.execPath, ["-e", "console.log(process.pid, os.hostname())"]);
  const lock = join(hfHome, "hub", ".locks", "models--org--m", "llm-server.lock");
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, `${dead.stdout.trim()} 0`);
  await resolveModel("org/m", options);
  assert.ok(!existsSync(lock));
});

test("a download that can't fit is refused before it starts, with needed and free space", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const claimedSizes = new Map([["m-Q8_0.gguf", 4e15]]);
  hub.add("org/huge", { "m-Q8_0.gguf": await ggufBytes(context) }, { claimedSizes });
  await assert.rejects(
    resolveModel("org/huge", options),
    failsWith("disk_full", /4000 TB are needed/, /are free/),
  );
  assert.equal(hub.downloads.length, 0);
});

test("a connection that falls silent is given up and opened again", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const bytes = await ggufBytes(context, { elements: 40_000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  let held = 0;
  hub.faults.hold = () => (held++ === 0 ? new Promise(() => {}) : undefined);
  const download = { ...options.download, stallTimeoutMs: 50 };
  assert.deepEqual(readFileSync((await resolveModel("org/m", { ...options, download })).path), bytes);
  assert.ok(held > 1);
});

test("a download can be cancelled and leaves no lock", async (context) => {
  const { hub, hfHome, options } = await hubWorkplace(context);
  hub.add("org/m", { "m-Q8_0.gguf": await ggufBytes(context, { elements: 100_000 }) });
  const abort = new AbortController();
  const onProgress = () => abort.abort();
  await assert.rejects(
    resolveModel("org/m", { ...options, signal: abort.signal, onProgress }),
    failsWith("cancelled"),
  );
  assert.deepEqual(readdirSync(join(hfHome, "hub", ".locks", "models--org--m")), []);
});
