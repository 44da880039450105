import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ModelErrorCode } from "../../src/models/errors.ts";
import { readGguf } from "../../src/models/gguf/reader.ts";
import type { ModelProgress } from "../../src/models/progress.ts";
import { resolveModel } from "../../src/models/resolve.ts";
import { type CheckpointOptions, makeCheckpoint } from "../support/checkpoint.ts";
import { EngineModel } from "../support/engine-model.ts";
import { ggufBytes } from "../support/gguf-file.ts";
import { failsWith, hubWorkplace } from "../support/hub-workplace.ts";

/** The files of a checkpoint as a repository would have them, beside formats that must not be fetched. */
function repositoryFiles(directory: string, options: CheckpointOptions): Record<string, Buffer> {
  makeCheckpoint(directory, options);
  const files = readdirSync(directory).map((file) => [file, readFileSync(join(directory, file))] as const);
  return {
    ...Object.fromEntries(files),
    "pytorch_model.bin": Buffer.alloc(5000),
    "onnx/model.onnx": Buffer.alloc(5000),
  };
}

function readCommit(directory: string): string {
  return readFileSync(join(directory, "home", "hub", "models--org--qwen", "refs", "main"), "utf8");
}

test("no name serves distilgpt2, downloaded under its legacy name, converted, and from then on from the cache", async (context) => {
  const { hub, directory, options } = await hubWorkplace(context);
  const files = repositoryFiles(join(directory, "checkpoint"), {
    family: "gpt2",
    type: "F16",
    gpt2Prefix: "transformer.",
  });
  hub.add("distilgpt2", files, { modernName: "distilbert/distilgpt2" });
  const seen: ModelProgress[] = [];
  const model = await resolveModel(undefined, { ...options, onProgress: (progress) => seen.push(progress) });
  assert.equal(model.name, "distilgpt2");
  assert.equal(model.notice, undefined);
  assert.equal(model.source.kind, "converted");
  const fetched = new Set(hub.downloads.map((request) => request.path.split("/").at(-1)));
  assert.deepEqual([...fetched].toSorted(), [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  const phases = new Set(seen.map((progress) => progress.phase));
  assert.deepEqual([...phases], ["downloading", "verifying", "converting"]);
  const engine = new EngineModel(model.path);
  assert.equal(engine.model.architecture, "gpt2");
  assert.equal(engine.model.quantization, "Q8_0");
  engine.free();
  const requests = hub.requests.length;
  assert.equal((await resolveModel("distilgpt2", { ...options, offline: true })).path, model.path);
  assert.equal((await resolveModel("", options)).path, model.path);
  assert.equal(hub.requests.length, requests);
});

test("no name and no hub serve the built-in model with a notice that says why", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  await hub.stop();
  const model = await resolveModel(undefined, options);
  assert.equal(model.name, "builtin");
  assert.deepEqual(model.source, { kind: "builtin" });
  assert.match(model.notice ?? "", /distilgpt2 is not available.*can't be reached.*MODEL_NAME/);
});

test("a hub that accepts connections and says nothing is given up in time", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  hub.faults.isSilent = true;
  const model = await resolveModel(undefined, { ...options, reachabilityTimeoutMs: 50 });
  assert.equal(model.name, "builtin");
  assert.match(model.notice ?? "", /can't be reached/);
});

test("offline, no name serves the built-in model without asking the hub", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  const model = await resolveModel(undefined, { ...options, offline: true });
  assert.match(model.notice ?? "", /HF_HUB_OFFLINE/);
  assert.equal(hub.requests.length, 0);
});

test("a name that was set is never replaced", async (context) => {
  const { hub, options } = await hubWorkplace(context);
  await hub.stop();
  await assert.rejects(resolveModel("distilgpt2", options), failsWith("hub_unreachable", /HF_ENDPOINT/));
  await assert.rejects(resolveModel("org/name", options), failsWith("hub_unreachable"));
});

test("sharded weights are converted to the quantization that is asked for", async (context) => {
  const { hub, directory, options } = await hubWorkplace(context);
  hub.add(
    "org/llama",
    repositoryFiles(join(directory, "checkpoint"), { family: "llama", type: "BF16", shards: 3 }),
  );
  const byDefault = await resolveModel("org/llama", { ...options, quantization: "f16" });
  const bySuffix = await resolveModel("org/llama:Q4_0", options);
  assert.equal(readGguf(byDefault.path).metadata.get("general.file_type")?.value, 1);
  assert.equal(readGguf(bySuffix.path).metadata.get("general.file_type")?.value, 2);
  assert.equal(bySuffix.name, "org/llama:Q4_0");
  await assert.rejects(
    resolveModel("org/llama:Q4_K_M", options),
    failsWith("unsupported_quantization", /Q8_0/),
  );
});

test("what can't be converted is refused before any weights are fetched", async (context) => {
  const { hub, directory, options } = await hubWorkplace(context);
  const files = repositoryFiles(join(directory, "checkpoint"), { family: "llama" });
  const config = JSON.parse(String(files["config.json"]));
  const tokenizer = JSON.parse(String(files["tokenizer.json"]));
  const variants: Readonly<Record<string, readonly [Record<string, string>, ModelErrorCode, RegExp]>> = {
    gemma: [
      { "config.json": JSON.stringify({ ...config, architectures: ["Gemma2ForCausalLM"] }) },
      "unsupported_architecture",
      /Gemma2ForCausalLM.*LlamaForCausalLM.*GGUF/,
    ],
    activation: [
      { "config.json": JSON.stringify({ ...config, hidden_act: "relu" }) },
      "unsupported_architecture",
      /activation relu/,
    ],
    quantized: [
      { "config.json": JSON.stringify({ ...config, quantization_config: { quant_method: "gptq" } }) },
      "unsupported_architecture",
      /already quantized/,
    ],
    wordpiece: [
      { "tokenizer.json": JSON.stringify({ ...tokenizer, model: { type: "WordPiece", vocab: {} } }) },
      "unsupported_tokenizer",
      /WordPiece.*GGUF/,
    ],
    splitter: [
      { "tokenizer.json": JSON.stringify({ ...tokenizer, pre_tokenizer: { type: "Whitespace" } }) },
      "unsupported_tokenizer",
      /pre-tokenizer is unknown \(Whitespace\)/,
    ],
    lowercase: [
      { "tokenizer.json": JSON.stringify({ ...tokenizer, normalizer: { type: "Lowercase" } }) },
      "unsupported_tokenizer",
      /normalises/,
    ],
  };
  for (const [name, [changes, code, message]] of Object.entries(variants)) {
    hub.add(`org/${name}`, { ...files, ...changes });
    await assert.rejects(resolveModel(`org/${name}`, options), failsWith(code, message));
  }
  assert.ok(hub.downloads.every((request) => !request.path.endsWith(".safetensors")));
});

test("a checkpoint that another tool fetched in part is completed from the hub", async (context) => {
  const { hub, directory, options } = await hubWorkplace(context);
  hub.add("org/qwen", repositoryFiles(join(directory, "checkpoint"), { family: "qwen2" }));
  const { path } = await resolveModel("org/qwen", options);
  const snapshot = join(directory, "home", "hub", "models--org--qwen", "snapshots", readCommit(directory));
  rmSync(path);
  rmSync(join(snapshot, "tokenizer.json"));
  const before = hub.downloads.length;
  assert.equal((await resolveModel("org/qwen", options)).path, path);
  assert.equal(hub.downloads.length, before, "the file's content was still among the blobs");
  assert.ok(existsSync(join(snapshot, "tokenizer.json")));
});

test("a description too large to be one is refused before it is fetched", async (context) => {
  const { hub, directory, options } = await hubWorkplace(context);
  const claimedSizes = new Map([["config.json", 1e9]]);
  hub.add("org/bomb", repositoryFiles(join(directory, "checkpoint"), { family: "llama" }), { claimedSizes });
  await assert.rejects(
    resolveModel("org/bomb", options),
    failsWith("invalid_checkpoint", /config\.json has 1000000000/),
  );
  assert.equal(hub.downloads.length, 0);
});

test("a shard index that names a file outside its folder is refused", async (context) => {
  const { hub, directory, options } = await hubWorkplace(context);
  const files = repositoryFiles(join(directory, "checkpoint"), { family: "llama", shards: 2 });
  const index = { weight_map: { "model.norm.weight": "../../../../etc/model.safetensors" } };
  hub.add("org/evil", { ...files, "model.safetensors.index.json": Buffer.from(JSON.stringify(index)) });
  await assert.rejects(resolveModel("org/evil", options), failsWith("invalid_checkpoint", /unsafe file/));
});

test("a path must be a whole GGUF file", async (context) => {
  const { directory, options } = await hubWorkplace(context);
  const file = join(directory, "my-model.gguf");
  writeFileSync(file, await ggufBytes(context));
  const model = await resolveModel(file, options);
  assert.deepEqual(model, { path: file, name: "my-model", source: { kind: "file" } });
  await assert.rejects(
    resolveModel(join(directory, "none.gguf"), options),
    failsWith("not_found", /no such file/),
  );
  await assert.rejects(resolveModel("./none.gguf", options), failsWith("not_found"));
  await assert.rejects(resolveModel(directory, options), failsWith("is_directory", /is a directory/));
  const text = join(directory, "text.gguf");
  writeFileSync(text, "hello, I am no model");
  await assert.rejects(resolveModel(text, options), failsWith("not_gguf", /not a GGUF/));
  writeFileSync(text, "");
  await assert.rejects(resolveModel(text, options), failsWith("not_gguf"));
  truncateSync(file, 4000);
  await assert.rejects(resolveModel(file, options), failsWith("invalid_gguf", /cut short|truncated/));
  assert.equal((await resolveModel("builtin", options)).path, options.builtinPath);
});

test("a split model on disk must have all its parts", async (context) => {
  const { directory, options } = await hubWorkplace(context);
  mkdirSync(directory, { recursive: true });
  const first = join(directory, "m-00001-of-00002.gguf");
  const second = join(directory, "m-00002-of-00002.gguf");
  writeFileSync(first, await ggufBytes(context));
  await assert.rejects(resolveModel(first, options), failsWith("not_found", /lacks its part m-00002/));
  writeFileSync(second, await ggufBytes(context));
  assert.equal((await resolveModel(first, options)).path, first);
  await assert.rejects(resolveModel(second, options), failsWith("not_found", /name m-00001/));
  assert.ok(existsSync(second));
});
