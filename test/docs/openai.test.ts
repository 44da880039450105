import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { foreignFieldsBut } from "../../src/dialects/foreign-fields.ts";
import { LocalSamplingFields } from "../../src/dialects/local-sampling.ts";
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

test("fields of other servers are told as they are taken", () => {
  const start = page.indexOf("\n## Fields of other servers");
  const rows = page.slice(start, page.indexOf("\n## ", start + 1)).split("\n");
  const told = (kind: string) =>
    rows
      .filter((row) => row.split("|")[2]?.trim() === kind)
      .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([a-z_]+)`/g)].map((match) => match[1]));
  const fields = foreignFieldsBut("best_of", "echo", "add_special_tokens");
  const named = (isWish: boolean) =>
    fields.filter((field) => (field.isWish === true) === isWish).map(({ param }) => param);
  assert.deepEqual(told("refused").sort(), named(false).sort());
  assert.deepEqual(told("a wish").sort(), named(true).sort());
  const honoured = new Set(told("honoured"));
  const elsewhere = new Set(["top_k", "min_p", "repeat_penalty"]);
  for (const name of Object.keys(LocalSamplingFields))
    assert.ok(honoured.has(name) || elsewhere.has(name), name);
});
