import "../support/answer-schemas.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fastify } from "fastify";
import { Type } from "typebox";
import { responseSchemas } from "../../src/http/schema.ts";

test("servers under test fail a request whose answer has a field that its route does not declare, or lacks one", async () => {
  const app = fastify();
  const answers: Readonly<Record<string, object>> = {
    right: { name: "a", parts: [{ ms: 1 }] },
    extra: { name: "a", parts: [{ ms: 1, secret: 2 }] },
    missing: { parts: [] },
  };
  const Named = Type.Object({ name: Type.String(), parts: Type.Array(Type.Object({ ms: Type.Number() })) });
  for (const [path, answer] of Object.entries(answers))
    app.get(`/${path}`, { schema: { response: responseSchemas(Named) } }, () => answer);
  app.get("/other", { schema: { response: { 201: Named } } }, () => answers["right"]);
  for (const [path, message] of [
    ["extra", /data\/parts\/0 must NOT have additional properties.*secret/],
    ["missing", /data must have required property 'name'/],
    ["other", /answers 200, which its schema does not have/],
  ] as const) {
    const { statusCode, body } = await app.inject(`/${path}`);
    assert.equal(statusCode, 500, path);
    assert.match(JSON.parse(body).message, message);
  }
  assert.equal((await app.inject("/right")).statusCode, 200);
  await app.close();
});
