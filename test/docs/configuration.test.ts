import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { renderConfigurationPage } from "../../scripts/config-docs.ts";

test("docs/configuration.md lists every setting as the code has it", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  assert.equal(page, renderConfigurationPage(), "run npm run docs:config");
});
