import assert from "node:assert/strict";
import { copyFileSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { InProcessEngine } from "../../support/in-process-engine.ts";
import { BUILTIN } from "../../support/model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** Pins a prefix as a start does, and computes it where it is not restored. */
async function pin(modelPath: string, prefixDirectory: string): Promise<string> {
  const { core } = new InProcessEngine({ modelPath, prefixDirectory, sequences: 4 });
  const text = "The manual of the Marlin printer is green, and its warranty has 24 months.";
  const done = await core.pin({ parts: [{ type: "text", text, parseSpecial: false }], addBos: true });
  while (core.step() !== undefined);
  return done;
}

test("a saved prefix is restored for the same weights only: not for others behind the same metadata", async (t) => {
  const directory = await temporaryDirectory(t);
  const model = join(directory, "model.gguf");
  copyFileSync(BUILTIN, model);
  assert.match(await pin(model, directory), /is being computed/);
  assert.match(await pin(model, directory), /restored from/);
  // The same model trained further and exported over the old one: size, metadata and time may all stay.
  const { atime, mtime } = statSync(model);
  const bytes = readFileSync(model);
  bytes.subarray(-4096).fill(1);
  writeFileSync(model, bytes);
  utimesSync(model, atime, mtime);
  assert.match(await pin(model, directory), /is being computed/);
});
