import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/config/config.ts";
import { costs } from "../../src/config/costs.ts";
import { describeSettings } from "../../src/config/described.ts";
import { misspeltSettings } from "../../src/config/misspelt.ts";
import { run } from "../support/run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const scripts = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"))
  .scripts as Record<string, string>;

/** Counts the modules that a process loads. */
const counting = `import { registerHooks } from "node:module";
let modules = 0;
registerHooks({ load: (url, context, next) => (modules++, next(url, context)) });
process.on("exit", () => console.log("modules: " + modules));`;

test("help lists every command under the name of its script, whatever the settings are, and loads none of them", async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, "counting.mjs"), counting);
  const env = { PORT: "wrong", NODE_OPTIONS: `--import ${join(directory, "counting.mjs")}` };
  const { exitCode, output } = await run(directory, env, ["--help"]);
  assert.equal(exitCode, 0);
  // The server's are thousands.
  assert.ok(Number(/^modules: (\d+)$/m.exec(output)?.[1]) < 10, output);
  const listed = [...output.matchAll(/^ {2}(\w+) +\w/gm)].map(([, name = ""]) => name);
  const commands = Object.values(scripts).flatMap(
    (script) => /^node src\/main\.ts (\w+)$/.exec(script)?.[1] ?? [],
  );
  assert.deepEqual(listed.toSorted(), commands.toSorted());
});

test("the version is the package's", async (t) => {
  const { exitCode, output } = await run(await temporaryDirectory(t), {}, ["--version"]);
  assert.equal(exitCode, 0);
  assert.match(output, /^\d+\.\d+\.\d+\n$/);
});

test("an argument of the server's is refused with the setting to use instead", async (t) => {
  const { exitCode, output } = await run(await temporaryDirectory(t), {}, ["serve", "--port", "8491"]);
  assert.equal(exitCode, 2);
  assert.match(output, /got --port\. Settings are environment variables, as in PORT=… npm start/);
});

test("an unknown command is refused with the ones that there are", async (t) => {
  const { exitCode, output } = await run(await temporaryDirectory(t), {}, ["constructor"]);
  assert.equal(exitCode, 2);
  assert.match(output, /There is no command constructor\. Commands: serve, pull, .*perplexity/);
});

test("no backup is written over a file, and a text that is not there is named", async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, "kept.tar.gz");
  await writeFile(file, "kept");
  const refused = await run(directory, {}, ["backup", file]);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.output, /kept\.tar\.gz is there already: name another file, or remove it\.\n$/);
  assert.equal(await readFile(file, "utf8"), "kept");
  const missing = await run(directory, {}, ["perplexity", "nope.txt"]);
  assert.equal(missing.exitCode, 1);
  assert.match(missing.output, /^nope\.txt can't be read: ENOENT\n$/);
});

test("a setting that is misspelt by one letter is named, with the one that was meant", () => {
  const warnings = misspeltSettings({
    MODEL_NAEM: "x",
    MAX_SEQUENCE: "3",
    max_sequences: "3",
    HOSTS: "",
    PATH: "",
  });
  assert.deepEqual(warnings, [
    "MODEL_NAEM is not a setting: did you mean MODEL_NAME?",
    "MAX_SEQUENCE is not a setting: did you mean MAX_SEQUENCES?",
    "max_sequences is not a setting: did you mean MAX_SEQUENCES?",
  ]);
  assert.deepEqual(
    misspeltSettings(Object.fromEntries(Object.keys(process.env).map((name) => [name, ""]))),
    [],
  );
});

test("settings are described with where each value comes from, and without what is secret", () => {
  const file = { PORT: "9000", HOST: "0.0.0.0", RATE_LIMIT: "5" };
  const own = { PORT: "9001", RATE_LIMIT: "", API_KEY: "key-marker", MODEL_NAME: "http://u:pass-marker@x/y" };
  const described = describeSettings({ ...file, ...own }, own);
  const told = (name: string) => {
    const { value, source } = described.find(({ variable }) => variable === name) ?? {};
    return [value, source];
  };
  assert.deepEqual(told("PORT"), ["9001", "environment"]);
  assert.deepEqual(told("HOST"), ["0.0.0.0", "file"]);
  assert.deepEqual(told("RATE_LIMIT"), ["0", "default"]);
  assert.deepEqual(told("API_KEY"), [undefined, "environment"]);
  assert.deepEqual(told("MODEL_NAME"), ["http://…@x/y", "environment"]);
  assert.doesNotMatch(JSON.stringify(described), /marker/);
  const variables = new Set(described.map(({ variable }) => variable));
  assert.deepEqual(
    Object.keys(costs).filter((variable) => !variables.has(variable)),
    [],
  );
});

test("a setting that can't be honoured is refused by name: of other servers, and one model's beside several", async (t) => {
  assert.throws(() => loadConfig({ MMPROJ: "x.gguf" }), /MMPROJ is not supported: /);
  const file = join(await temporaryDirectory(t), "models.json");
  await writeFile(file, '{"models": {"main": {"source": "builtin", "draft": "small.gguf"}}}');
  assert.throws(() => loadConfig({ MODELS_FILE: file, DRAFT_MODEL: "x" }), /DRAFT_MODEL .* `draft`/);
  assert.equal(loadConfig({ MODELS_FILE: file }).modelsFile?.models["main"]?.draft, "small.gguf");
});

test("a data directory that is a file is a mistake, before anything is started", async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, "file");
  await writeFile(file, "");
  for (const path of [file, join(file, "below")]) {
    assert.throws(() => loadConfig({ DATA_DIR: path }), /DATA_DIR must be a directory and not a file/);
  }
  assert.equal(loadConfig({ DATA_DIR: join(directory, "new") }).dataDir, join(directory, "new"));
});
