import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { exampleBodies } from "../../src/http/example-bodies.ts";
import { assertError, assertNoStack } from "../support/envelope.ts";
import { json, KEY, startServer, type TestServer, untilReady } from "../support/server.ts";

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }>;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses?: Record<string, { readonly description?: string }>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components?: { readonly securitySchemes?: object; readonly schemas?: object };
}

let server: TestServer;
let document: Document;
before(async () => {
  server = await startServer({ waitUntilReady: false });
  document = await json<Document>(server.get("/openapi.json", {}));
});
after(() => server[Symbol.asyncDispose]());

const contract: Readonly<Record<string, readonly string[]>> = {
  "/chat": ["post"],
  "/v1/chat": ["post"],
  "/evaluate": ["post"],
  "/v1/evaluate": ["post"],
  "/health": ["get"],
  "/v1/health": ["get"],
  "/healthz": ["get"],
  "/readyz": ["get"],
  "/model": ["get"],
  "/v1/metrics": ["get"],
  "/v1/embeddings": ["post"],
  "/v1/rerank": ["post"],
  "/v1/datasets": ["get", "post"],
  "/v1/datasets/upload": ["post"],
  "/v1/datasets/{id}": ["delete", "get"],
  "/v1/datasets/{id}/records": ["get"],
  "/v1/rag/query": ["post"],
  "/v1/rag": ["post"],
  "/v1/rag/indexes/{id}": ["get"],
  "/v1/batch-evals": ["get", "post"],
  "/v1/batch-evals/{id}": ["get"],
  "/v1/batch-evals/{id}/cancel": ["post"],
  "/v1/batch-evals/{id}/events": ["get"],
  "/v1/batch-evals/{id}/result": ["get"],
  "/v1/batch-evals/{id}/distribution": ["get"],
  "/v1/batch-evals/{id}/failures": ["get"],
  "/v1/batch-evals/{id}/records": ["get"],
  "/v1/batch-evals/{id}/artifacts/export": ["get"],
  "/v1/models": ["get"],
  "/v1/models/{id}": ["get"],
  "/v1/chat/completions": ["get", "post"],
  "/v1/completions": ["post"],
  "/v1/responses": ["post"],
  "/v1/live": ["get"],
  "/v1/microscope": ["post"],
};

test("the document is OpenAPI 3.1 with a title and a version", () => {
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.equal(document.info.title, "llm-server");
  assert.match(document.info.version, /^\d+\.\d+\.\d+/);
});

test("every route of the contract is listed, with its methods", () => {
  for (const [path, methods] of Object.entries(contract)) {
    assert.deepEqual(Object.keys(document.paths[path] ?? {}).sort(), methods, path);
  }
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

test("every operation has a summary, a tag, and responses with descriptions", () => {
  for (const { path, method, operation } of operations()) {
    const name = `${method} ${path}`;
    assert.ok(operation.summary, name);
    assert.ok(operation.tags?.length, name);
    const responses = Object.entries(operation.responses ?? {});
    assert.ok(responses.length > 0, name);
    for (const [status, { description }] of responses) {
      assert.match(status, /^[1-5]\d\d$|^default$/, name);
      assert.equal(typeof description, "string", name);
    }
  }
});

test("every path parameter is declared, and every POST with fields has a JSON body", () => {
  for (const { path, operation } of operations()) {
    for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
      const parameter = operation.parameters?.find((one) => one.in === "path" && one.name === name);
      assert.equal(parameter?.required, true, path);
    }
  }
  assert.ok(document.paths["/chat"]?.["post"]?.requestBody?.content["application/json"]?.schema);
});

test("/v1 operations, /infill and /mcp say that they need a key, the others do not", () => {
  const schemes = Object.keys(document.components?.securitySchemes ?? {}).sort();
  assert.deepEqual(schemes, ["apiKey", "bearer"]);
  for (const { path, operation } of operations()) {
    assert.equal(operation.security !== undefined, /^\/(v1\/|infill$|mcp$)/.test(path), path);
  }
});

test("every reference points at something in the document", () => {
  const references: string[] = [];
  JSON.stringify(document, (key, value) => {
    if (key === "$ref") references.push(String(value));
    return value;
  });
  for (const reference of references) {
    assert.match(reference, /^#\//);
    let target: unknown = document;
    for (const step of reference.slice(2).split("/"))
      target = (target as Record<string, unknown> | undefined)?.[step];
    assert.notEqual(target, undefined, reference);
  }
});

test("only what needs a model of its own, or what is kept by a setting, may answer 501", () => {
  const paths = operations().filter(({ operation }) => operation.responses?.["501"] !== undefined);
  assert.deepEqual(
    paths.map(({ path }) => path),
    ["/v1/rerank", "/v1/agents/sessions", "/v1/requests", "/v1/requests/series", "/v1/requests/{id}"],
  );
});

test("the document shows nothing of this machine", () => {
  assertNoStack(JSON.stringify(document));
});

test("what the documentation's page sends at first is answered", async () => {
  await untilReady(server);
  for (const [path, body] of Object.entries(exampleBodies)) {
    const operation = document.paths[path]?.["post"];
    assert.ok(JSON.stringify(operation?.requestBody).includes(JSON.stringify(body)), path);
    const response = await server.post(path, body);
    assert.equal(response.status, 200, `${path}: ${await response.text()}`);
  }
});

test("a DELETE whose client says that its body is JSON needs none", async () => {
  const headers = { "content-type": "application/json", ...KEY };
  const response = await fetch(`${server.url}/v1/responses/resp_none`, { method: "DELETE", headers });
  await assertError(response, { status: 404, code: "not_found" });
});
