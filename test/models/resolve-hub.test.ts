import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { ModelError, type ModelErrorCode } from "../../src/models/errors.ts";
import type { ModelProgress } from "../../src/models/progress.ts";
import { resolveModel } from "../../src/models/resolve.ts";
import type { ResolveOptions } from "../../src/models/resolved-model.ts";
import { FakeHub, sha256 } from "../support/fake-hub.ts";
import { ggufBytes } from "../support/gguf-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

interface Workplace {
  readonly hub: FakeHub;
  readonly hfHome: string;
  readonly options: ResolveOptions;
}

/** A fake hub and an empty cache. Small parts and short pauses make small files behave like large ones. */
async function workplace(context: TestContext): Promise<Workplace> {
  const hub = await FakeHub.start(context);
  const hfHome = await temporaryDirectory(context);
  const builtinPath = join(hfHome, "builtin.gguf");
  writeFileSync(builtinPath, await ggufBytes(context, { elements: 64 }));
  const download = { partBytes: 64 << 10, retryDelayMs: 1 };
  return { hub, hfHome, options: { builtinPath, hfHome, endpoint: hub.endpoint, download } };
}

function failsWith(code: ModelErrorCode, ...patterns: readonly RegExp[]) {
  return (error: unknown) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, code, error.message);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };
}

test("a repository's GGUF file is downloaded, checked and placed in Hugging Face's cache layout", async (context) => {
  const { hub, hfHome, options } = await workplace(context);
  const bytes = await ggufBytes(context, { elements: 70_000 });
  hub.add("org/model-GGUF", {
    "README.md": "hello",
    "model-Q4_K_M.gguf": await ggufBytes(context, { seed: 2 }),
    "model-Q8_0.gguf": bytes,
    "mmproj-model-f16.gguf": await ggufBytes(context, { seed: 3 }),
  });
  const seen: ModelProgress[] = [];
  const model = await resolveModel("org/model-GGUF", {
    ...options,
    onProgress: (progress) => seen.push(progress),
  });
  const directory = join(hfHome, "hub", "models--org--model-GGUF");
  assert.equal(model.path, join(directory, "snapshots", commit, "model-Q8_0.gguf"));
  assert.equal(model.name, "org/model-GGUF");
  assert.equal(model.sha256, sha256(bytes));
  assert.deepEqual(model.source, {
    kind: "hub",
    repository: "org/model-GGUF",
    revision: commit,
    file: "model-Q8_0.gguf",
  });
  assert.deepEqual(readFileSync(model.path), bytes);
  assert.deepEqual(readdirSync(join(directory, "blobs")), [sha256(bytes)]);
  assert.equal(readFileSync(join(directory, "refs", "main"), "utf8"), commit);
  assert.ok(hub.downloads.length > 1, "a file of several parts is fetched over several requests");
  assert.equal(seen.at(-1)?.bytesDone, bytes.length);
  assert.ok(seen.every((progress) => progress.bytesTotal === bytes.length));
});

test("a quantization is chosen by suffix, and one that is missing is answered with those there are", async (context) => {
  const { hub, options } = await workplace(context);
  const bytes = await ggufBytes(context, { seed: 5 });
  hub.add("org/m", { "m.Q8_0.gguf": await ggufBytes(context), "m.q4_k_m.gguf": bytes });
  const model = await resolveModel("hf:org/m:Q4_K_M", options);
  assert.deepEqual(readFileSync(model.path), bytes);
  assert.equal(model.name, "org/m:Q4_K_M");
  await assert.rejects(
    resolveModel("org/m:Q2_K", options),
    failsWith("file_not_found", /no Q2_K/, /Q8_0, Q4_K_M/),
  );
});

test("a split GGUF is fetched with all its parts and named by the first", async (context) => {
  const { hub, options } = await workplace(context);
  hub.add("org/split", {
    "Q8_0/m-Q8_0-00001-of-00002.gguf": await ggufBytes(context, { seed: 1 }),
    "Q8_0/m-Q8_0-00002-of-00002.gguf": await ggufBytes(context, { seed: 2 }),
    "m-Q4_0-00001-of-00003.gguf": await ggufBytes(context, { seed: 3 }),
  });
  const model = await resolveModel("org/split", options);
  assert.match(model.path, /m-Q8_0-00001-of-00002\.gguf$/);
  assert.ok(existsSync(join(dirname(model.path), "m-Q8_0-00002-of-00002.gguf")));
});

test("a cut connection is taken up where it broke", async (context) => {
  const { hub, options } = await workplace(context);
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
  const { hub, options } = await workplace(context);
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
  const { hub, options } = await workplace(context);
  const bytes = await ggufBytes(context, { elements: 40_000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  hub.faults.ignoreRanges = true;
  assert.deepEqual(readFileSync((await resolveModel("org/m", options)).path), bytes);
});

test("wrong bytes are fetched again, and refused when they stay wrong", async (context) => {
  const { hub, hfHome, options } = await workplace(context);
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
  const { hub, options } = await workplace(context);
  const bytes = await ggufBytes(context, { elements: 60_000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  const script = join(import.meta.dirname, "../support/resolve-process.ts");
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
  const { hub, hfHome, options } = await workplace(context);
  hub.add("org/m", { "m-Q8_0.gguf": await ggufBytes(context) });
  const dead = await promisify(execFile)(process.execPath, ["-e", "console.log(process.pid, os.hostname())"]);
  const lock = join(hfHome, "hub", ".locks", "models--org--m", "llm-server.lock");
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, `${dead.stdout.trim()} 0`);
  await resolveModel("org/m", options);
  assert.ok(!existsSync(lock));
});

test("a gated model says how to get access, and the token goes to the hub only", async (context) => {
  const { hub, options } = await workplace(context);
  hub.add(
    "org/gated",
    { "m-Q8_0.gguf": await ggufBytes(context, { elements: 2000 }) },
    { token: "hf_secret" },
  );
  await assert.rejects(
    resolveModel("org/gated", options),
    failsWith("unauthorized", /gated/, /set HF_TOKEN/),
  );
  await assert.rejects(
    resolveModel("org/gated", { ...options, token: "hf_other" }),
    failsWith("unauthorized", /HF_TOKEN has no access/),
  );
  await resolveModel("org/gated", { ...options, token: "hf_secret" });
  assert.ok(hub.requests.some((request) => request.isCdn));
  assert.ok(
    hub.requests.filter((request) => request.isCdn).every((request) => request.authorization === undefined),
  );
});

test("what does not exist is said to be missing", async (context) => {
  const { hub, options } = await workplace(context);
  await assert.rejects(
    resolveModel("org/nothing", options),
    failsWith("repository_not_found", /check the spelling/),
  );
  hub.add("org/torch", { "config.json": "{}", "pytorch_model.bin": "x" });
  await assert.rejects(resolveModel("org/torch", options), failsWith("file_not_found", /PyTorch/, /-GGUF/));
  await assert.rejects(resolveModel("not a name", options), failsWith("invalid_name", /org\/name/));
  await assert.rejects(resolveModel("a/b/c", options), failsWith("invalid_name"));
  await assert.rejects(resolveModel("org/..", options), failsWith("invalid_name"));
});

test("a download that can't fit is refused before it starts, with needed and free space", async (context) => {
  const { hub, options } = await workplace(context);
  const claimedSizes = new Map([["m-Q8_0.gguf", 4e15]]);
  hub.add("org/huge", { "m-Q8_0.gguf": await ggufBytes(context) }, { claimedSizes });
  await assert.rejects(
    resolveModel("org/huge", options),
    failsWith("disk_full", /4000 TB are needed/, /are free/),
  );
  assert.equal(hub.downloads.length, 0);
});

test("offline, a cached model is served without a request and a missing one is an error", async (context) => {
  const { hub, options } = await workplace(context);
  hub.add("org/m", { "m-Q8_0.gguf": await ggufBytes(context) });
  await resolveModel("org/m", options);
  const requests = hub.requests.length;
  await resolveModel("org/m", { ...options, offline: true });
  await resolveModel("org/m", options);
  await assert.rejects(
    resolveModel("org/other", { ...options, offline: true }),
    failsWith("offline", /HF_HUB_OFFLINE/),
  );
  assert.equal(hub.requests.length, requests);
});

test("files that Python's tools put into the cache are used", async (context) => {
  const { hub, hfHome, options } = await workplace(context);
  const bytes = await ggufBytes(context);
  const repository = join(hfHome, "hub", "models--org--m");
  const snapshot = join(repository, "snapshots", commit);
  for (const folder of ["blobs", "refs"]) mkdirSync(join(repository, folder), { recursive: true });
  mkdirSync(snapshot, { recursive: true });
  writeFileSync(join(repository, "refs", "main"), commit);
  writeFileSync(join(repository, "blobs", sha256(bytes)), bytes);
  symlinkSync(join("..", "..", "blobs", sha256(bytes)), join(snapshot, "m-Q8_0.gguf"));
  assert.equal((await resolveModel("org/m", options)).sha256, sha256(bytes));
  assert.equal(hub.requests.length, 0);
});

test("names that leave the cache are refused", async (context) => {
  const { hub, options } = await workplace(context);
  for (const path of [
    "../../evil-Q8_0.gguf",
    "a/../../evil-Q8_0.gguf",
    "/etc/evil-Q8_0.gguf",
    "a\\..\\evil-Q8_0.gguf",
  ]) {
    hub.add("org/evil", { [path]: await ggufBytes(context) });
    await assert.rejects(resolveModel("org/evil", options), failsWith("hub_failed", /refused/));
  }
  assert.equal(hub.downloads.length, 0);
});

test("a download can be cancelled and leaves no lock", async (context) => {
  const { hub, hfHome, options } = await workplace(context);
  hub.add("org/m", { "m-Q8_0.gguf": await ggufBytes(context, { elements: 100_000 }) });
  const abort = new AbortController();
  const onProgress = () => abort.abort();
  await assert.rejects(
    resolveModel("org/m", { ...options, signal: abort.signal, onProgress }),
    failsWith("cancelled"),
  );
  assert.deepEqual(readdirSync(join(hfHome, "hub", ".locks", "models--org--m")), []);
});
