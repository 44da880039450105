import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { loadLlama } from "../../../src/inference/llama/bindings.ts";
import { LlamaError } from "../../../src/inference/llama/errors.ts";
import { findLibraries } from "../../../src/inference/llama/library.ts";
import { verifyAbi } from "../../../src/inference/llama/structs.ts";
import { chat, greedy } from "../../support/chat.ts";
import { run } from "../../support/run.ts";
import { startServer } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import packageFiles from "./package-files.json" with { type: "json" };

const isMismatch = (message: RegExp) => (error: unknown) =>
  error instanceof LlamaError && error.code === "library_mismatch" && message.test(error.message);

test("a library of another release, or with other defaults or sizes, is refused before it is used", () => {
  const llama = loadLlama();
  const version = llama.llama_version();
  const model = llama.llama_model_default_params();
  const context = llama.llama_context_default_params();
  verifyAbi(version, model, context);
  assert.throws(
    () => verifyAbi("0.9.9", model, context),
    isMismatch(/release is 0\.9\.9.*LLAMA_LIBRARY_DIR/),
  );
  for (const field of ["n_gpu_layers", "split_mode"]) {
    assert.ok(field in model, field);
    const changed = { ...model, [field]: 77 };
    assert.throws(
      () => verifyAbi(version, changed, context),
      isMismatch(new RegExp(`llama_model_params\\.${field} defaults to 77`)),
    );
  }
  assert.throws(
    () => verifyAbi(version, model, { ...context, n_batch: 1 }),
    isMismatch(/llama_context_params\.n_batch defaults to 1/),
  );
});

test("LLAMA_LIBRARY_DIR serves with the libraries that lie there, and only with those", async (t) => {
  const directory = join(await temporaryDirectory(t), "own-build");
  mkdirSync(directory);
  const packaged = findLibraries().directory;
  for (const name of readdirSync(packaged)) symlinkSync(join(packaged, name), join(directory, name));
  await using server = await startServer({ env: { LLAMA_LIBRARY_DIR: directory } });
  assert.equal((await chat(server, greedy)).completion_tokens, 60);
});

test("a LLAMA_LIBRARY_DIR without libraries, or with something else under their names, is named at start", async (t) => {
  const directory = await temporaryDirectory(t);
  const start = (LLAMA_LIBRARY_DIR: string) => run(directory, { MODEL_NAME: "builtin", LLAMA_LIBRARY_DIR });
  const missing = await start(join(directory, "nowhere"));
  assert.equal(missing.exitCode, 1);
  assert.match(missing.output, /library directory .*nowhere does not exist/);
  const empty = await start(directory);
  assert.equal(empty.exitCode, 1);
  assert.match(empty.output, /has no ggml-base library/);
  for (const file of Object.values(findLibraries().files))
    writeFileSync(join(directory, basename(file)), "no library");
  const broken = await start(directory);
  assert.equal(broken.exitCode, 1);
  assert.match(broken.output, /Cannot load .*llama/);
});

/** Every file in `bins/` of the packages of release 3.21.1, by `tar tzf` of what npm delivers. */
const packaged = packageFiles as Readonly<Record<string, readonly string[]>>;

test("the libraries of every published package are found under the names that they have there", async (t) => {
  const root = await temporaryDirectory(t);
  // What stands in for another package's library of the same name.
  const packages = Object.entries(packaged).filter(([name]) => !name.endsWith("-ext"));
  assert.equal(packages.length, 11);
  for (const [name, files] of packages) {
    const directory = join(root, name);
    mkdirSync(directory);
    for (const file of files) writeFileSync(join(directory, file), "");
    const { files: found, accelerator } = findLibraries(directory);
    const suffix = /-(vulkan|cuda|metal)$/.exec(name)?.[1];
    const dotted = suffix === undefined ? "" : `.${suffix}`;
    const [prefix, ending] = name.startsWith("win")
      ? ["", "dll"]
      : ["lib", name.startsWith("mac") ? "dylib" : "so"];
    assert.deepEqual(
      Object.values(found).map((path) => basename(path)),
      ["ggml-base", `ggml${dotted}.v0.4.0`, `llama${dotted}.v0.4.0`].map(
        (stem) => `${prefix}${stem}.${ending}`,
      ),
      name,
    );
    // Apple's loadable backends end like Linux's.
    const backend = `${prefix}ggml-${suffix}.${ending === "dll" ? "dll" : "so"}`;
    assert.equal(accelerator && basename(accelerator), suffix === undefined ? undefined : backend, name);
  }
});
