import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { makeCheckpoint } from "../../support/checkpoint.ts";
import { FakeHub } from "../../support/fake-hub.ts";
import { json, startServer, until, untilReady } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

interface Readiness {
  readonly status: string;
  readonly reason?: string;
  readonly phase?: string;
  readonly progress?: number;
}

/** A hub whose distilgpt2 is a small random GPT-2. */
async function hubWithDistilgpt2(context: TestContext): Promise<FakeHub> {
  const hub = await FakeHub.start(context);
  const directory = join(await temporaryDirectory(context), "checkpoint");
  // Enough positions for a prompt and an answer.
  makeCheckpoint(directory, {
    family: "gpt2",
    gpt2Prefix: "transformer.",
    config: { n_positions: 256, n_ctx: 256 },
  });
  const files = readdirSync(directory).map((file) => [file, readFileSync(join(directory, file))] as const);
  hub.add("distilgpt2", Object.fromEntries(files), { modernName: "distilbert/distilgpt2" });
  return hub;
}

test("without a model name the server downloads, converts and serves distilgpt2, and tells how far it is", async (context) => {
  const hub = await hubWithDistilgpt2(context);
  const released = Promise.withResolvers<void>();
  hub.faults.hold = (path) => (path.endsWith(".safetensors") ? released.promise : undefined);
  await using server = await startServer({
    env: { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "", MODEL_NAME: "" },
    waitUntilReady: false,
  });
  let seen: Readiness = { status: "" };
  await until(async () => {
    seen = await json<Readiness>(server.get("/readyz"));
    const { phase, progress = 0 } = seen;
    return phase === "downloading" && progress > 0 && progress < 1;
  });
  assert.deepEqual([seen.status, seen.reason], ["not_ready", "loading_model"]);
  assert.equal((await server.get("/healthz")).status, 200);
  released.resolve();
  await untilReady(server);
  const answer = await json<{ model: string; completion_tokens: number }>(
    server.post("/chat", { prompt: "Hello", max_new_tokens: 4, raw: true }),
  );
  assert.equal(answer.model, "distilgpt2");
  assert.ok(answer.completion_tokens >= 1);
});

test("the command line pulls, lists, removes and converts models", async (context) => {
  const hub = await hubWithDistilgpt2(context);
  const directory = await temporaryDirectory(context);
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const env = {
    PATH: process.env["PATH"],
    HOME: directory,
    HF_HOME: join(directory, "hf"),
    HF_ENDPOINT: hub.endpoint,
  };
  const run = async (...args: string[]) => {
    const result = await promisify(execFile)(process.execPath, [main, ...args], {
      env,
      cwd: directory,
    }).catch((error: { code: number; stdout: string; stderr: string }) => error);
    return { code: "code" in result ? result.code : 0, stdout: result.stdout, stderr: result.stderr };
  };
  assert.match((await run("models")).stdout, /No models/);
  const pulled = await run("pull", "distilgpt2");
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.match(pulled.stdout, /distilgpt2 is ready: .*\.gguf/);
  assert.match(pulled.stderr, /Downloading: .* of /);
  assert.match(
    (await run("models")).stdout,
    /distilgpt2 +checkpoint[\s\S]*distilgpt2:Q8_0 +converted[\s\S]*total/,
  );
  assert.match((await run("models", "remove", "distilgpt2:Q8_0")).stdout, /freed/);
  assert.doesNotMatch((await run("models")).stdout, /converted/);
  const missing = await run("pull", "org/nothing");
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /has no model org\/nothing/);
  assert.doesNotMatch(missing.stderr, /\n\s+at /);
  assert.equal((await run("pull")).code, 2);
  assert.equal((await run("models", "frobnicate")).code, 2);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "qwen3" }).directory;
  const converted = await run("convert", checkpoint, join(directory, "out.gguf"), "--quant", "F16");
  assert.match(converted.stdout, /out\.gguf: 24 tensors/);
  const refused = await run("convert", directory, join(directory, "no.gguf"));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /no config\.json/);
});

test("a pull that is interrupted says so, and the next one resumes where it stopped", async (context) => {
  const hub = await hubWithDistilgpt2(context);
  const directory = await temporaryDirectory(context);
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const pull = () =>
    spawn(process.execPath, [main, "pull", "distilgpt2"], {
      cwd: directory,
      env: { PATH: process.env["PATH"], HOME: directory, HF_HOME: directory, HF_ENDPOINT: hub.endpoint },
      stdio: ["ignore", "pipe", "pipe"],
    });
  const half = Promise.withResolvers<void>();
  let isHalfway = false;
  hub.faults.hold = (path) => {
    if (!path.endsWith(".safetensors")) return undefined;
    isHalfway = true;
    return half.promise;
  };
  const interrupted = pull();
  let said = "";
  interrupted.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const ended = once(interrupted, "exit");
  const isUnderWay = () =>
    readdirSync(directory, { recursive: true }).some((path) => /partial$/.test(String(path)));
  await until(() => isHalfway && isUnderWay() && hub.bytesServed > 0);
  interrupted.kill("SIGINT");
  assert.deepEqual(await ended, [130, null]);
  assert.match(said, /cancelled; the next one resumes where it stopped/);
  half.resolve();
  delete hub.faults.hold;
  const served = hub.bytesServed;
  const [code] = await once(pull(), "exit");
  assert.equal(code, 0);
  const weights = hub.repositories.get("distilgpt2")?.files.get("model.safetensors")?.length ?? 0;
  assert.ok(hub.bytesServed - served < weights, `${hub.bytesServed - served} of ${weights} bytes again`);
});
