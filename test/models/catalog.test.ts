import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { listModels, pullModel, removeModel } from "../../src/models/catalog.ts";
import { progressDisplay } from "../../src/models/progress-bar.ts";
import { makeCheckpoint } from "../support/checkpoint.ts";
import { FakeHub } from "../support/fake-hub.ts";
import { ggufBytes } from "../support/gguf-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("models are pulled, listed with their sizes, and removed one by one or with all their files", async (context) => {
  const hub = await FakeHub.start(context);
  const directory = await temporaryDirectory(context);
  const options = { builtinPath: "none", hfHome: join(directory, "home"), endpoint: hub.endpoint };
  assert.deepEqual(listModels(options), []);
  const bytes = await ggufBytes(context);
  hub.add("org/m-GGUF", { "m-Q8_0.gguf": bytes, "m-Q4_0.gguf": await ggufBytes(context, { seed: 2 }) });
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "qwen2" }).directory;
  const files = readdirSync(checkpoint).map((file) => [file, readFileSync(join(checkpoint, file))] as const);
  hub.add("org/qwen", Object.fromEntries(files));
  const pulled = await pullModel("org/m-GGUF", options);
  await pullModel("org/m-GGUF:Q4_0", options);
  await pullModel("org/qwen", options);
  await pullModel("org/qwen:F16", options);
  const names = () => listModels(options).map(({ name, kind }) => `${name} ${kind}`);
  const rest = ["org/qwen checkpoint", "org/qwen:F16 converted", "org/qwen:Q8_0 converted"];
  assert.deepEqual(names(), ["org/m-GGUF:Q4_0 gguf", "org/m-GGUF:Q8_0 gguf", ...rest]);
  assert.equal(listModels(options).find((model) => model.name === "org/m-GGUF:Q8_0")?.bytes, bytes.length);
  assert.equal(await removeModel("org/m-GGUF:Q8_0", options), bytes.length);
  assert.ok(!existsSync(pulled.path));
  assert.deepEqual(names(), ["org/m-GGUF:Q4_0 gguf", ...rest]);
  await removeModel("org/qwen:F16", options);
  assert.deepEqual(names(), ["org/m-GGUF:Q4_0 gguf", "org/qwen checkpoint", "org/qwen:Q8_0 converted"]);
  assert.ok((await removeModel("org/qwen", options)) > 0);
  assert.deepEqual(names(), ["org/m-GGUF:Q4_0 gguf"]);
  await assert.rejects(removeModel("org/qwen", options), /not in the cache/);
});

test("pulling asks for a newer commit and keeps the older until it is there", async (context) => {
  const hub = await FakeHub.start(context);
  const directory = await temporaryDirectory(context);
  const options = { builtinPath: "none", hfHome: directory, endpoint: hub.endpoint };
  hub.add("org/m", { "m-Q8_0.gguf": await ggufBytes(context) }, { commit: "a".repeat(40) });
  const first = await pullModel("org/m", options);
  const newer = await ggufBytes(context, { seed: 9 });
  hub.add("org/m", { "m-Q8_0.gguf": newer }, { commit: "b".repeat(40) });
  const second = await pullModel("org/m", options);
  assert.notEqual(first.path, second.path);
  assert.deepEqual(readFileSync(second.path), newer);
  assert.ok(existsSync(first.path));
});

test("without a terminal, progress is a line at each phase and then every few seconds", () => {
  const lines: string[] = [];
  let now = 0;
  const stream = Object.assign(Object.create(process.stderr), { isTTY: false });
  const display = progressDisplay({ stream, log: (line) => lines.push(line), clock: () => now });
  const at = (seconds: number, phase: "downloading" | "converting", bytesDone: number) => {
    now = seconds * 1000;
    display.onProgress({ phase, bytesDone, bytesTotal: 1_000_000_000 });
  };
  at(0, "downloading", 200_000_000);
  at(1, "downloading", 250_000_000);
  at(6, "downloading", 500_000_000);
  at(7, "converting", 0);
  display.stop();
  assert.deepEqual(lines, [
    "Downloading: 200 MB of 1.0 GB",
    "Downloading: 500 MB of 1.0 GB, 50.0 MB/s, 10 s left",
    "Converting: 0 B of 1.0 GB",
  ]);
});

test("on a terminal, progress is a bar with bytes, rate and time left", () => {
  let drawn = "";
  let now = 0;
  const stream = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        drawn += chunk;
        done();
      },
    }),
    { isTTY: true, columns: 120, cursorTo: () => true, clearLine: () => true, moveCursor: () => true },
  );
  const display = progressDisplay({
    stream: stream as unknown as NodeJS.WriteStream,
    log: () => assert.fail("nothing is logged where a bar is drawn"),
    clock: () => now,
  });
  display.onProgress({ phase: "downloading", bytesDone: 0, bytesTotal: 4_000_000_000 });
  now = 10_000;
  display.onProgress({ phase: "downloading", bytesDone: 1_000_000_000, bytesTotal: 4_000_000_000 });
  display.stop();
  assert.match(drawn, /Downloading \[.*\] 25% 1\.0 GB of 4\.0 GB, 100 MB\/s, 30 s left/);
});
