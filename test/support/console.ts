import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchBrowser } from "./browser.ts";
import { startServer, type TestServer } from "./server.ts";

const build = fileURLToPath(new URL("../../scripts/build-console.mjs", import.meta.url));
const axe = readFileSync(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** The console in a real browser, on a real server. */
export interface ConsoleUnderTest extends AsyncDisposable {
  readonly server: TestServer;
  readonly page: Page;
  open(path: string): Promise<void>;
  /** Does `act`, which makes the page ask `path`, and resolves to the whole answer as the page got it. */
  answerTo(path: string, act: () => Promise<void>): Promise<string>;
  /** Asserts that axe finds nothing on the page as it is, in both colour schemes. */
  assertAccessible(what: string): Promise<void>;
  /** Asserts that nothing is wider than the narrowest window that WCAG names, and goes back to a wide one. */
  assertFitsNarrow(what: string): Promise<void>;
  /** Shows the page's tab, or hides it behind another one, as far as the page can tell. */
  showTab(isShown: boolean): Promise<void>;
  /** Has the next answer to a path be an error in these words. */
  fail(path: string, message: string): Promise<void>;
  /** Asserts that the page logged no error, broke no policy and asked only the server, except for what `isExpected`. */
  assertQuiet(isExpected?: (complaint: string) => boolean): void;
}

/** With the model that the project ships, whose answers end by themselves. */
export function startConsole(env: Readonly<Record<string, string>> = {}): Promise<ConsoleUnderTest> {
  return consoleOf(() => startServer({ env: { MODEL_NAME: "builtin", KV_CACHE_MEMORY: "64MiB", ...env } }));
}

/** The console of a server of one's own, which is stopped with it. */
export async function consoleOf(start: () => Promise<TestServer>): Promise<ConsoleUnderTest> {
  execFileSync(process.execPath, [build], { stdio: "inherit" });
  const server = await start();
  let browser: Browser | undefined;
  try {
    browser = await launchBrowser();
    const context = await browser.newContext({ viewport: wide, reducedMotion: "reduce" });
    const complaints = await listen(context, server.url);
    context.setDefaultTimeout(PATIENCE_MS);
    return console_(server, browser, await context.newPage(), complaints);
  } catch (error) {
    await browser?.close();
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** For a browser on a machine that does much else. */
const PATIENCE_MS = 120_000;
const wide = { width: 1200, height: 800 };
/** 1280 pixels at 400 %. */
const narrow = { width: 320, height: 480 };

/** Everything that a quiet page does not do, as it happens. */
async function listen(context: BrowserContext, url: string): Promise<string[]> {
  const complaints: string[] = [];
  await context.route("**/*", async (route) => {
    const asked = route.request().url();
    if (asked.startsWith(`${url}/`) || /^(data|blob):/.test(asked)) return route.continue();
    complaints.push(`asked ${asked}`);
    return route.abort();
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => complaints.push(`error: ${error.error().message}`));
  await context.addInitScript(`addEventListener("securitypolicyviolation", (event) =>
    console.error("policy: " + event.violatedDirective + " " + event.blockedURI));
    globalThis.answers = {};
    const ask = globalThis.fetch;
    globalThis.fetch = async (path, ...rest) => {
      const response = await ask(path, ...rest);
      globalThis.answers[path] = response.clone().text().catch(String);
      return response;
    };`);
  return complaints;
}

function console_(
  server: TestServer,
  browser: Browser,
  page: Page,
  complaints: readonly string[],
): ConsoleUnderTest {
  return {
    server,
    page,
    open: async (path) => {
      await page.goto(`${server.url}/console${path}`);
      await page.getByRole("heading").first().waitFor();
    },
    // Chromium's protocol does not hand out the bodies of streams; the page's own fetch keeps a copy.
    answerTo: async (path, act) => {
      const asked = page.waitForResponse(`**${path}`);
      await act();
      await asked;
      return page.evaluate<string>(`answers[${JSON.stringify(path)}]`);
    },
    assertAccessible: async (what) => {
      if (await page.evaluate<boolean>("!('axe' in globalThis)")) await page.evaluate(axe);
      // The schemes differ in colours alone: the rules about these are what the second one is asked.
      for (const [colorScheme, rules] of [
        ["light", {}],
        ["dark", { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } }],
      ] as const) {
        await page.emulateMedia({ colorScheme });
        const options = JSON.stringify({ resultTypes: ["violations"], ...rules });
        const violations = await page.evaluate<readonly AxeViolation[]>(
          `axe.run(${options}).then(({ violations }) => violations)`,
        );
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        assert.deepEqual(found, [], `${what}, ${colorScheme}`);
      }
    },
    assertFitsNarrow: async (what) => {
      await page.setViewportSize(narrow);
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      await page.setViewportSize(wide);
      assert.ok(width <= narrow.width, `${what} is ${width} pixels wide`);
    },
    showTab: (isShown) =>
      page.evaluate<void>(`Object.defineProperty(document, "hidden", { value: ${!isShown}, configurable: true });
        void document.dispatchEvent(new Event("visibilitychange"));`),
    fail: async (path, message) => {
      const json = { error: { code: "service_unavailable", message }, request_id: "r1" };
      await page.route(path, (route) => route.fulfill({ status: 503, json }), { times: 1 });
    },
    assertQuiet: (isExpected = () => false) =>
      assert.deepEqual(
        complaints.filter((complaint) => !isExpected(complaint)),
        [],
      ),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

interface AxeViolation {
  readonly id: string;
  readonly nodes: ReadonlyArray<{ readonly html: string }>;
}
