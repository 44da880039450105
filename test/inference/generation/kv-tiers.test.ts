import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SeededRandom } from "../../../bench/load/random.ts";
import type { GenerationRequest } from "../../../src/inference/engine.ts";
import { KvFiles } from "../../../src/inference/generation/kv-files.ts";
import { InProcessEngine } from "../../support/in-process-engine.ts";
import { BUILTIN } from "../../support/model.ts";
import { assertSameTokens } from "../../support/same-tokens.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const request = (text: string): GenerationRequest => ({
  prompt: { parts: [{ type: "text", text, parseSpecial: false }], addBos: true },
  maxTokens: 8,
  stop: [],
  sampling: { temperature: 0, seed: 0 },
  logprobs: 1,
});

const facts = [
  "The Marlin printer was built in Oslo.",
  "It has a warranty of 24 months.",
  "The manual is green.",
  "A token is a piece of text that a model reads.",
  "The river is long and the bridge is old.",
  "Cats sleep most of the day.",
];

/** Conversations that grow by turns, in an order that makes few sequences change hands often. */
function* turns(sessions: number, count: number): Generator<string> {
  const random = new SeededRandom(7);
  const histories = Array.from({ length: sessions }, (_, index) => `Session ${index}. ${facts[index % 6]} `);
  for (let turn = 0; turn < count; turn++) {
    const session = random.integer(sessions);
    // Some branch off earlier, as an edited message does.
    if (random.next() < 0.1) histories[session] = (histories[session] ?? "").slice(0, 120);
    histories[session] += `${facts[random.integer(6)]} ${facts[random.integer(6)]} `;
    if ((histories[session] ?? "").length > 900) histories[session] = `Again ${turn}. ${facts[session % 6]} `;
    yield histories[session] ?? "";
  }
}

for (const kvLayout of ["separate", "shared"] as const) {
  test(`greedy texts of sequences that gave way and came back are those of ones computed anew (${kvLayout})`, async (t) => {
    const kvDirectory = join(await temporaryDirectory(t), "kv");
    const settings = { modelPath: BUILTIN, contextSize: 512, sequences: 3, kvLayout };
    const tiers = { kvHostMemory: 600_000, kvDisk: 2 ** 30, kvDirectory };
    const alone = new InProcessEngine({ ...settings, sequences: 1 });
    let engine = new InProcessEngine({ ...settings, ...tiers });
    const seen = new Set<string>();
    const prompts = [...turns(9, 60)];
    for (const [index, prompt] of prompts.entries()) {
      if (index === 30) {
        await engine.core.save();
        engine.free();
        // Files fit however many sequences the next process has.
        engine = new InProcessEngine({ ...settings, sequences: 4, ...tiers });
      }
      const [expected] = await alone.run([request(prompt)]);
      const [found] = await engine.run([request(prompt)]);
      assert.ok(expected !== undefined && found !== undefined);
      assertSameTokens(found.tokens, expected.tokens, `turn ${index}: ${prompt}`);
      seen.add(found.usage.cachedFrom ?? "none");
    }
    assert.deepEqual([...seen].toSorted(), ["disk", "memory", "none", "slot"]);
    await engine.core.save();
    alone.free();
    engine.free();
  });
}

const long = `${facts.join(" ")} ${facts.toReversed().join(" ")} ${facts.join(" ")}`;

/** An engine that had `long` and ended. */
async function ended(kvDirectory: string, cacheScope = ""): Promise<void> {
  const engine = new InProcessEngine({ modelPath: BUILTIN, kvDisk: 2 ** 30, kvDirectory });
  engine.cacheScope = cacheScope;
  await engine.run([request(long)]);
  await engine.core.save();
  engine.free();
}

async function cachedFrom(
  options: ConstructorParameters<typeof InProcessEngine>[0],
  cacheScope = "",
): Promise<string | undefined> {
  const engine = new InProcessEngine({ modelPath: BUILTIN, kvDisk: 2 ** 30, ...options });
  engine.cacheScope = cacheScope;
  const [found] = await engine.run([request(`${long} And then`)]);
  engine.free();
  return found?.usage.cachedFrom;
}

const kvFiles = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".kv"))
    .map((name) => join(directory, name));

test("what an engine had outlives it, for the same model, layout and scope only", async (t) => {
  const kvDirectory = join(await temporaryDirectory(t), "kv");
  await ended(kvDirectory, "a");
  assert.equal(kvFiles(kvDirectory).length, 1);
  assert.equal(await cachedFrom({ kvDirectory }, "a"), "disk");
  assert.equal(await cachedFrom({ kvDirectory }, "b"), undefined);
  assert.equal(await cachedFrom({ kvDirectory, kvLayout: "shared" }, "a"), undefined);
  assert.equal(await cachedFrom({ kvDirectory, contextSize: 256 + 64 }, "a"), undefined);
  assert.equal(await cachedFrom({ kvDirectory }, "a"), "disk");
});

test("a damaged or half file is never read, and goes", async (t) => {
  const root = await temporaryDirectory(t);
  const damages: Record<string, (path: string) => void> = {
    half: (path) => truncateSync(path, readFileSync(path).length / 2),
    "bit-in-state": (path) => flip(path, -1000),
    "bit-in-tokens": (path) => flip(path, 95),
    empty: (path) => writeFileSync(path, ""),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const kvDirectory = join(root, name);
    await ended(kvDirectory);
    const [path] = kvFiles(kvDirectory);
    assert.ok(path !== undefined);
    writeFileSync(`${path}.123.partial`, "half of a file whose process was killed");
    damage(path);
    assert.equal(await cachedFrom({ kvDirectory }), undefined, name);
    // A file of other tokens is another prompt's, until one asks for it.
    assert.equal(existsSync(path), name === "bit-in-tokens", `${name}: the file is still there`);
    assert.ok(!existsSync(`${path}.123.partial`), `${name}: the partial file is still there`);
  }
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

const sequence = (first: number, length = 100) => ({
  tokens: Int32Array.from({ length }, (_, index) => first + index),
  state: new Uint8Array(1000).fill(first),
  scope: "",
  tier: "memory" as const,
});

test("files stay within the budget, the oldest go, and a beginning goes where the whole is there", async (t) => {
  const directory = join(await temporaryDirectory(t), "kv");
  const problems: string[] = [];
  const open = (identity: string) =>
    new KvFiles({ directory, identity, maxBytes: 4800, onProblem: (text) => problems.push(text) });
  const files = open("a");
  for (const first of [1, 2, 3]) assert.ok(await files.put(sequence(first)));
  assert.equal(files.count, 3);
  assert.ok(await files.put(sequence(4)));
  assert.equal(files.count, 3);
  assert.equal(files.longest(sequence(1).tokens, "")?.shared ?? 0, 0);
  assert.ok(await files.put(sequence(4, 120)));
  assert.equal(files.longest(sequence(4).tokens, "")?.file.tokens.length, 120);
  const again = open("a");
  assert.equal(again.count, files.count);
  const [found] = [again.longest(sequence(3).tokens, "")];
  assert.ok(found !== undefined);
  assert.deepEqual((await again.read(found.file, ""))?.state, Buffer.from(sequence(3).state));
  // Another model's files count too, and go first when they are older.
  await open("b").put(sequence(9));
  const third = open("b");
  assert.equal(third.count, 1);
  assert.ok(kvFiles(directory).length <= 4);
  assert.deepEqual(problems, []);
});

test("a disk that can't be written costs the cache and is reported once", async (t) => {
  const directory = await temporaryDirectory(t);
  const problems: string[] = [];
  writeFileSync(join(directory, "kv"), "a file where the directory should be");
  const files = new KvFiles({
    directory: join(directory, "kv"),
    identity: "a",
    maxBytes: 10_000,
    onProblem: (text) => problems.push(text),
  });
  assert.equal(await files.put(sequence(1)), false);
  assert.equal(await files.put(sequence(2)), false);
  assert.deepEqual(
    problems.map((text) => text.split(":")[0]),
    ["The KV cache on disk could not be opened", "The KV cache on disk could not be written"],
  );
  assert.equal(await cachedFrom({ kvDirectory: join(directory, "kv") }), undefined);
});
