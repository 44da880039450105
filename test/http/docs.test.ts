import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, skipWithoutBrowser as skip } from "../support/browser.ts";
import { json, startServer, type TestServer, until } from "../support/server.ts";

/** For a browser on a machine that does much else. */
const PATIENCE_MS = 120_000;

let server: TestServer;
before(async () => {
  server = await startServer({ waitUntilReady: false });
});
after(() => server[Symbol.asyncDispose]());

/** What the OpenAPI document calls each operation. */
async function summaries(): Promise<readonly string[]> {
  const { paths } = await json<{ paths: Record<string, Record<string, { summary: string }>> }>(
    server.get("/openapi.json"),
  );
  return Object.values(paths).flatMap((operations) =>
    Object.values(operations).map(({ summary }) => summary),
  );
}

test("/docs lists every route in a browser and asks only this server", { skip }, async () => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const elsewhere: string[] = [];
    const failures: string[] = [];
    // Nothing may leave the machine even if the page wants to.
    await page.route("**/*", async (route) => {
      const url = route.request().url();
      if (url.startsWith(server.url) || /^(data|blob):/.test(url)) return route.continue();
      elsewhere.push(url);
      return route.abort();
    });
    page.on("pageerror", (error) => failures.push(error.message));
    const response = await page.goto(`${server.url}/docs`);
    assert.equal(response?.status(), 200);
    const names = await summaries();
    let missing = names;
    await until(async () => {
      const text = (await page.locator("body").textContent()) ?? "";
      missing = names.filter((name) => !text.includes(name));
      return missing.length === 0;
    }, PATIENCE_MS).catch(() => assert.deepEqual(missing, []));
    assert.deepEqual(failures, []);
    assert.deepEqual(elsewhere, []);
  } finally {
    await browser.close();
  }
});

test("/docs is served without a key, with and without its slash", async () => {
  for (const path of ["/docs", "/docs/"]) {
    const response = await server.get(path, {});
    assert.equal(response.status, 200);
    assert.match(await response.text(), /<html/i);
  }
});
