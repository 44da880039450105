import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<
  "dependencies" | "devDependencies",
  Record<string, string>
>;
const [runTime = "", development = ""] = read("docs/dependencies.md").split("## For development");
const perPlatform = "@node-llama-cpp/<platform>";

/** Packages that the tables of a section name in their first column. */
function listed(section: string): string[] {
  return [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names = ""]) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

test("docs/dependencies.md has a line for each dependency, and for no other", () => {
  assert.deepEqual(listed(runTime).sort(), [...Object.keys(dependencies), perPlatform].sort());
  assert.deepEqual(listed(development).sort(), Object.keys(devDependencies).sort());
});
