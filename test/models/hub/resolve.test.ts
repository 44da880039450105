import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ModelProgress } from "../../../src/models/progress.ts";
import { resolveModel } from "../../../src/models/resolve.ts";
import { FakeHub, sha256 } from "../../support/fake-hub.ts";
import { ggufBytes } from "../../support/gguf-file.ts";
import { failsWith, hubWorkplace } from "../../support/hub-workplace.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

test("a repository's GGUF file is downloaded, checked and placed in Hugging Face's cache layout", async (context) => {
  const { hub, hfHome, options } = await hubWorkplace(context);
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
  const { hub, options } = await hubWorkplace(context);
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
  const { hub, options } = await hubWorkplace(context);
  hub.add("org/split", {
    "Q8_0/m-Q8_0-00001-of-00002.gguf": await ggufBytes(context, { seed: 1 }),
    "Q8_0/m-Q8_0-00002-of-00002.gguf": await ggufBytes(context, { seed: 2 }),
    "m-Q4_0-00001-of-00003.gguf": await ggufBytes(context, { seed: 3 }),
  });
  const model = await resolveModel("org/split", options);
  assert.match(model.path, /m-Q8_0-00001-of-00002\.gguf$/);
  assert.ok(existsSync(join(dirname(model.path), "m-Q8_0-00002-of-00002.gguf")));
});

test("a gated model says how to get access, and the token goes to the hub only", async (context) => {
  const { hub, options } = await hubWorkplace(context);
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

const weights = async (context: TestContext, count: number) =>
  Object.fromEntries(
    await Promise.all(
      Array.from({ length: count }, async (_, seed) => [
        `m${seed}-Q8_0.gguf`,
        await ggufBytes(context, { seed }),
      ]),
    ),
  );

test("a listing's next page at another address is asked for without the token", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const other = await FakeHub.start(context);
  const files = await weights(context, 5);
  hub.add("org/m", files);
  other.add("org/m", files);
  hub.faults.nextPageAt = () => other.endpoint;
  await resolveModel("org/m", { ...options, token: "hf_secret" });
  assert.ok(hub.requests.some((request) => request.authorization === "Bearer hf_secret"));
  assert.ok(other.requests.length > 0);
  assert.ok(other.requests.every((request) => request.authorization === undefined));
});

test("answers of a hub without end are left", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  hub.add("org/m", await weights(context, 1));
  hub.faults.isListingEndless = true;
  await assert.rejects(resolveModel("org/m", options), failsWith("hub_failed", /more than 100 pages/));
  hub.faults.isListingEndless = false;
  hub.faults.blankBytes = 20 * 2 ** 20;
  await assert.rejects(resolveModel("org/m", options), failsWith("hub_failed", /more than 16777216 bytes/));
});

test("what does not exist is said to be missing", async (context) => {
  const { hub, options } = await hubWorkplace(context);
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

test("offline, a cached model is served without a request and a missing one is an error", async (context) => {
  const { hub, options } = await hubWorkplace(context);
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
  const { hub, hfHome, options } = await hubWorkplace(context);
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

test("a file that was damaged in the cache is fetched again", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const bytes = await ggufBytes(context, { elements: 5000 });
  hub.add("org/m", { "m-Q8_0.gguf": bytes });
  const { path } = await resolveModel("org/m", options);
  truncateSync(realpathSync(path), 3000);
  await assert.rejects(resolveModel("org/m", { ...options, offline: true }), failsWith("invalid_gguf"));
  assert.deepEqual(readFileSync((await resolveModel("org/m", options)).path), bytes);
});

test("a hub that fails for a moment is asked again, one that goes on failing is reported", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  hub.add("org/m", { "m-Q8_0.gguf": await ggufBytes(context) });
  let asked = 0;
  hub.faults.apiStatus = () => (asked++ === 0 ? 503 : undefined);
  await resolveModel("org/m", options);
  hub.faults.apiStatus = () => 429;
  await assert.rejects(resolveModel("org/other", options), failsWith("hub_failed", /limits requests/));
});

test("names that leave the cache are refused", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  for (const path of [
    "../../../evil-Q8_0.gguf",
    "a/../../evil-Q8_0.gguf",
    "/etc/evil-Q8_0.gguf",
    "a\\..\\evil-Q8_0.gguf",
  ]) {
    hub.add("org/evil", { [path]: await ggufBytes(context) });
    await assert.rejects(resolveModel("org/evil", options), failsWith("hub_failed", /refused/));
  }
  assert.equal(hub.downloads.length, 0);
});
