import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { propertiesOf } from "../support/client-types.ts";

const page = readFileSync(new URL("../../docs/openai.md", import.meta.url), "utf8");

/** The parameters of each route, by the packages that send them; docs/openai.md says of all what becomes of them. */
const routes = [
  ["POST /v1/chat/completions", "ChatCompletionCreateParamsBase", "openai/resources/chat/completions"],
  ["POST /v1/completions", "CompletionCreateParamsBase", "openai/resources/completions"],
  ["POST /v1/responses", "ResponseCreateParamsBase", "openai/resources/responses/responses"],
  ["POST /v1/messages", "MessageCreateParamsBase", "@anthropic-ai/sdk/resources/messages"],
] as const;

for (const [route, type, module] of routes) {
  test(`every parameter of ${route} is accounted for`, () => {
    const start = page.indexOf(`## \`${route}\``);
    assert.ok(start >= 0);
    const end = page.indexOf("\n## ", start + 1);
    const section = page.slice(start, end < 0 ? undefined : end);
    const names = propertiesOf(type, module);
    assert.ok(names.length > 10, `${names.length} parameters`);
    const named = new Set([...section.matchAll(/`([a-z_]+)(?:[.[][^`]*)?`/g)].map((match) => match[1]));
    assert.deepEqual(
      names.filter((name) => !named.has(name)),
      [],
    );
  });
}
