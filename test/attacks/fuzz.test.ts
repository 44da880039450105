import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc, { type Arbitrary } from "fast-check";
import { type Schema, valuesOf } from "../support/schema-values.ts";
import { json, KEY, metric, startServer, type TestServer } from "../support/server.ts";

/**
 * Requests per route. A campaign: `FUZZ_RUNS=10000 FUZZ_SEED=7 npm test -- test/attacks/fuzz.test.ts`; with
 * `FUZZ_ROUTES='^/(chat|v1/messages)$'` of those routes only.
 */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 4);
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const ROUTES = new RegExp(process.env["FUZZ_ROUTES"] ?? "");
/** A request without an answer after this long hangs: what it asks for takes milliseconds. */
const HANG_MS = 120_000;
/** Routes worked on side by side. */
const CONCURRENCY = 4;

interface Operation {
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: string;
    readonly schema: Schema;
  }>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

interface Sent {
  readonly url: string;
  readonly body: string | Uint8Array | undefined;
}

let server: TestServer;
let document: Document;
let model: string;
before(async () => {
  server = await startServer({ env: { MAX_NEW_TOKENS_LIMIT: "4", CONTEXT_SIZE: "512" } });
  document = await json<Document>(server.get("/openapi.json"));
  model = (await json<{ model: string }>(server.get("/health"))).model;
});
after(() => server[Symbol.asyncDispose]());

const toJson = (value: unknown) => JSON.stringify(value) ?? "";

/** Requests to one route: shaped like its schemas, or bytes that are shaped like nothing. */
function requestsTo(
  path: string,
  method: string,
  { parameters = [], requestBody }: Operation,
): Arbitrary<Sent> {
  const schemas = document.components?.schemas ?? {};
  const text = fc.oneof(
    fc.string({ minLength: 1, maxLength: 40 }),
    fc.constantFrom("a", "%00", "..", "\ud83d\ude42"),
  );
  const url = fc
    .tuple(fc.array(text, { minLength: 4, maxLength: 4 }), fc.boolean())
    .map(([values, withQuery]) => {
      const pieces = [...values];
      const filled = path.replaceAll(/\{[^}]+\}/g, () =>
        encodeURIComponent((pieces.pop() ?? "a").toWellFormed()),
      );
      const query = new URLSearchParams(
        parameters
          .filter(({ in: place }) => place === "query")
          .map(({ name }, at): [string, string] => [name, values[at % 4] ?? ""]),
      );
      return withQuery && query.size > 0 ? `${filled}?${query}` : filled;
    });
  const bodySchema = requestBody?.content["application/json"]?.schema;
  if (method === "get" || method === "head") return url.map((address) => ({ url: address, body: undefined }));
  const shaped = valuesOf(bodySchema ?? {}, schemas, { model, stream: false }).map(toJson);
  const cut = shaped.map((body) => body.slice(0, Math.floor(body.length * 0.7)));
  const body = fc.oneof(
    { weight: 8, arbitrary: shaped },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  );
  return fc.record({ url, body });
}

async function answerTo(method: string, { url, body }: Sent): Promise<Response> {
  return fetch(server.url + url, {
    method,
    headers: { "content-type": "application/json", ...KEY },
    signal: AbortSignal.timeout(HANG_MS),
    ...(body !== undefined && { body: Buffer.from(body) }),
  });
}

/** What a stream that follows the server begins with: it has no end. */
async function textOf(method: string, response: Response): Promise<string> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (method !== "get" || !isStream || response.body === null) return response.text();
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return Buffer.from(value ?? []).toString();
}

describe("whatever is sent to any route", () => {
  test("is answered, never by a defect, and leaves the engine alive", async (t) => {
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    assert.ok(all.length > 20);
    const operations = all.filter(({ path }) => ROUTES.test(path));
    assert.ok(operations.length > 0);
    const statuses = new Map<number, number>();
    const left = operations.values();
    const work = async () => {
      for (const { path, method, operation } of left) {
        const sent = fc.asyncProperty(requestsTo(path, method, operation), async (request) => {
          const response = await answerTo(method.toUpperCase(), request);
          const text = await textOf(method, response);
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          // 501 names what this server is configured without; 503, and Anthropic's 529, what it can't do now.
          const isDefect = response.status >= 500 && ![501, 503, 529].includes(response.status);
          assert.ok(!isDefect, `${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
        });
        await fc.assert(sent, { numRuns: RUNS, seed: SEED });
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    t.diagnostic(`${operations.length} routes, by status: ${JSON.stringify(Object.fromEntries(statuses))}`);
    t.diagnostic(
      `server's memory: ${Math.round((await metric(server, "process_resident_memory_bytes")) / 2 ** 20)} MiB`,
    );
    assert.equal(await metric(server, "engine_restarts_total"), 0);
    assert.equal((await server.get("/readyz")).status, 200);
    const defects = server.log.filter(({ level }) => level === "error" || level === "fatal");
    assert.deepEqual(defects, []);
  });
});
