import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { convertCheckpoint } from "../../src/models/convert/convert.ts";
import { chat, greedy } from "../support/chat.ts";
import { makeCheckpoint } from "../support/checkpoint.ts";
import { assertNoStack } from "../support/envelope.ts";
import { TEST_MODEL } from "../support/model.ts";
import { type Run, run } from "../support/run.ts";
import { json, startServer } from "../support/server.ts";

const DEFAULT_KEY = /DEFAULT API KEY/;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "llm-server-start-"));
});
after(() => rm(directory, { recursive: true, force: true }));

function assertFailed({ exitCode, output }: Run, code: number, message: RegExp): void {
  assert.equal(exitCode, code, output);
  assert.match(output, message);
  assertNoStack(output);
}

test("a model file that does not exist ends the server with its path", async () => {
  const path = join(directory, "nothing.gguf");
  assertFailed(await run(directory, { MODEL_NAME: path }), 1, /nothing\.gguf/);
});

test("a directory as model is refused as such", async () => {
  assertFailed(await run(directory, { MODEL_NAME: directory }), 1, /directory/);
});

for (const [name, change, message] of [
  ["something that is not a GGUF file", () => Buffer.from("hello, world"), /not a GGUF/i],
  ["an empty file", () => Buffer.alloc(0), /GGUF|empty|truncated|cut/i],
  [
    "a file cut in its metadata",
    (bytes: Buffer) => bytes.subarray(0, 3_000),
    /truncated|cut|ends|incomplete/i,
  ],
  [
    "a file cut in its weights",
    (bytes: Buffer) => bytes.subarray(0, -100_000),
    /truncated|cut|ends|incomplete/i,
  ],
  [
    "a file whose head is garbage",
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 8), Buffer.alloc(bytes.length - 8, 0xff)]),
    /GGUF|corrupt|damaged|could not|tensors/i,
  ],
] as const) {
  test(`${name} is refused with a clear message`, async () => {
    const path = join(directory, `${name.replaceAll(" ", "-")}.gguf`);
    await writeFile(path, change(await readFile(TEST_MODEL)));
    assertFailed(await run(directory, { MODEL_NAME: path }), 1, message);
  });
}

test("a model of an architecture that the engine does not know is refused with its name", async () => {
  const bytes = await readFile(TEST_MODEL);
  const at = bytes.indexOf("llama", bytes.indexOf("general.architecture"));
  bytes.write("xlama", at);
  const path = join(directory, "strange.gguf");
  await writeFile(path, bytes);
  assertFailed(await run(directory, { MODEL_NAME: path }), 1, /does not know this architecture \(.*xlama/);
});

test("weights that no memory could hold are refused with the numbers", async () => {
  const path = join(directory, "large.gguf");
  await copyFile(TEST_MODEL, path);
  // Nothing of it is on the disk: the file has a hole.
  await truncate(path, 2 ** 42);
  const result = await run(directory, { MODEL_NAME: path });
  assertFailed(result, 1, /weights take 4\.0 TiB, and .* of memory is available.*smaller/);
});

test("a port in use is named, with what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const result = await run(directory, { PORT: String(port), MODEL_NAME: TEST_MODEL });
  const metrics = await run(directory, { METRICS_PORT: String(port), MODEL_NAME: TEST_MODEL });
  other.close();
  assertFailed(result, 1, new RegExp(`Port ${port} .* in use.* set PORT\\.`));
  assertFailed(metrics, 1, new RegExp(`Port ${port} .* in use.* set METRICS_PORT\\.`));
});

test("all mistakes of a configuration are listed at once, exit code 2, and no secret is shown", async () => {
  const result = await run(directory, {
    PORT: "70000",
    MAX_QUEUE: "-1",
    THREADS: "two",
    RATE_LIMIT: "1.5",
    REQUIRE_API_KEY: "everything",
    KV_CACHE_MEMORY: "2 gigabytes",
    HF_ENDPOINT: "ftp://x",
    CORS_ORIGIN: "app.example",
    LOG_LEVEL: "loud",
    PINNED_PREFIXES: "nothing.json",
    API_KEY: "marker secret",
    HF_TOKEN: "marker\tsecret",
  });
  assertFailed(result, 2, /Invalid configuration/);
  for (const name of [
    "PORT",
    "MAX_QUEUE",
    "THREADS",
    "RATE_LIMIT",
    "REQUIRE_API_KEY",
    "KV_CACHE_MEMORY",
    "HF_ENDPOINT",
    "CORS_ORIGIN",
    "LOG_LEVEL",
    "PINNED_PREFIXES",
    "API_KEY",
    "HF_TOKEN",
  ])
    assert.match(result.output, new RegExp(`- ${name} must be`), name);
  assert.doesNotMatch(result.output, /marker/);
});

test("a prefix file that is not a list of prefixes is a mistake of the configuration", async () => {
  const file = join(directory, "prefixes.json");
  await writeFile(file, '{"system": 1}');
  assertFailed(
    await run(directory, { PINNED_PREFIXES: file }),
    2,
    /PINNED_PREFIXES must be the path of a JSON list of/,
  );
});

test("more context than the model was trained for, or than memory holds, is refused with the numbers", async () => {
  const context = await run(directory, { MODEL_NAME: TEST_MODEL, CONTEXT_SIZE: "9000000" });
  assertFailed(context, 1, /CONTEXT_SIZE=9000000 .* trained/);
  const memory = await run(directory, {
    MODEL_NAME: TEST_MODEL,
    KV_CACHE_MEMORY: "1KiB",
    MAX_SEQUENCES: "4",
    CONTEXT_SIZE: "256",
  });
  assertFailed(memory, 1, /does not fit: 4 sequences × 256 tokens/);
});

test("a KV cache format that the model's heads do not divide into is refused with what to set", async () => {
  const checkpoint = makeCheckpoint(join(directory, "narrow"), { family: "gpt2" });
  const path = join(directory, "narrow.gguf");
  await convertCheckpoint(checkpoint.directory, path, { quantization: "F32" });
  const result = await run(directory, { MODEL_NAME: path, KV_CACHE_TYPE: "q8_0" });
  assertFailed(result, 1, /KV_CACHE_TYPE=q8_0 needs .* multiple of 32 .*have 16.*KV_CACHE_TYPE=f16/);
});

test("more threads than processors, which would only wait for one another, become as many, with a warning", async () => {
  const env = { THREADS: "1000", HOST: "0.0.0.0", API_KEY: "own" };
  await using server = await startServer({ env });
  assert.ok(!server.log.some(({ msg }) => DEFAULT_KEY.test(msg)), "not warned of with a key of one's own");
  const { threads } = await json<{ threads: number }>(server.get("/model"));
  assert.equal(threads, Math.min(1000, availableParallelism()));
  assert.ok(server.log.some(({ level, msg }) => level === "warn" && /THREADS=1000 is more than/.test(msg)));
  assert.equal((await chat(server, greedy)).completion_tokens, 60);
});

test("a context that is not a whole number of steps, and a shared cache, start without a warning, as does the default key on loopback", async () => {
  for (const KV_LAYOUT of ["separate", "shared"]) {
    await using server = await startServer({ env: { KV_LAYOUT, CONTEXT_SIZE: "300", MAX_SEQUENCES: "3" } });
    const { context_window } = await json<{ context_window: number }>(server.get("/model"));
    assert.equal(context_window, 300);
    assert.ok(server.log.some(({ msg }) => /3 sequences × 512 tokens/.test(msg)));
    assert.deepEqual(
      server.log.filter(({ level }) => level === "warn"),
      [],
    );
    assert.equal((await chat(server, greedy)).completion_tokens, 60);
  }
});

test("arguments that serve would not heed are refused, with where its settings are", async () => {
  assertFailed(await run(directory, {}, ["serve", "--port", "9000"]), 2, /environment variables/);
});

test("--help says what can be done", async () => {
  const { exitCode, output } = await run(directory, {}, ["--help"]);
  assert.equal(exitCode, 0);
  for (const command of ["serve", "pull", "models", "convert", "eval", "backup", "restore"])
    assert.match(output, new RegExp(`^  ${command} `, "m"));
  assert.equal((await run(directory, {}, ["serve", "--help"])).exitCode, 0);
});

test("an unknown command is refused with the known ones", async () => {
  assertFailed(await run(directory, {}, ["dance"]), 2, /serve/);
});

test("settings are read from .env, and the environment goes before it", async () => {
  await writeFile(
    join(directory, ".env"),
    'PORT=99999\nLOG_LEVEL=loud\n# a comment\nAPI_KEY="quoted key"\nMAX_QUEUE=none',
  );
  const result = await run(directory, { LOG_LEVEL: "info" });
  await rm(join(directory, ".env"));
  assertFailed(result, 2, /MAX_QUEUE must be/);
  assert.doesNotMatch(result.output, /PORT must be|LOG_LEVEL must be|quoted key/);
});

test("listening beyond loopback with the default key is warned about loudly", async () => {
  await using server = await startServer({ env: { HOST: "0.0.0.0" }, waitUntilReady: false });
  assert.ok(server.log.some((line) => line.level === "warn" && DEFAULT_KEY.test(line.msg)));
});
