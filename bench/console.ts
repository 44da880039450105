/**
 * How quickly the console answers a person, with much to show: `npm run bench:console`. What it costs the server is the
 * scenario `watched` of `npm run bench`.
 * Interactions are timed by Chromium itself (Event Timing: from the key or click to the next frame). The 65,536 steps and
 * the answer of 100,000 characters are made up here, because making them takes a model minutes; ledger rows and records
 * are the server's own.
 */
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import type { TimelineStep } from "../src/telemetry/steps/timeline.ts";
import { startConsole } from "../test/support/console.ts";
import { until } from "../test/support/server.ts";
import { type DatasetAnswer, upload } from "../test/support/upload.ts";

const ROWS = 10_000;
const STEPS = 65_536;
const RECORDS = 50_000;
const CHARACTERS = 100_000;
/** On the page Timeline, how many there are. */
const LOADED = /steps are loaded/;

await using console_ = await startConsole();
const { page, server } = console_;
await page.addInitScript(`globalThis.slowest = 0; new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) globalThis.slowest = Math.max(globalThis.slowest, duration);
}).observe({ type: "event", durationThreshold: 16, buffered: true });`);

type Acts = Readonly<Record<string, (on: Page) => Promise<void>>>;

/** How long each of some interactions took; each ends before the next begins. */
async function measure(name: string, acts: Acts): Promise<void> {
  console.log(name);
  for (const [act, perform] of Object.entries(acts)) {
    await page.evaluate("globalThis.slowest = 0");
    await perform(page);
    await page.waitForTimeout(500);
    const ms = await page.evaluate<number>("globalThis.slowest");
    console.log(`  ${act}: ${ms === 0 ? "under 16" : Math.round(ms)} ms`);
  }
}

const click = (name: string | RegExp) => (on: Page) => on.getByRole("button", { name }).first().click();
const keys = (...all: readonly string[]): Acts =>
  Object.fromEntries(all.map((key) => [`key ${key}`, (on) => on.keyboard.press(key)]));

const assets = fileURLToPath(new URL("../web/dist/assets/", import.meta.url));
const asked = new Set<string>();
page.on("request", (request) => asked.add(request.url().split("/").at(-1) ?? ""));
await console_.open("/");
await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
const firstPage = readdirSync(assets).filter((file) => file.endsWith(".gz") && asked.has(file.slice(0, -3)));
const bytes = firstPage.reduce((sum, file) => sum + statSync(assets + file).size, 0);
console.log(`first page: ${firstPage.length} files, ${(bytes / 1000).toFixed(1)} kB of gzip`);

for (let sent = 0; sent < ROWS; sent += 100)
  await Promise.all(
    Array.from({ length: 100 }, async () => (await server.post("/v1/chat", {})).arrayBuffer()),
  );
await console_.open("/requests");
await page.getByRole("link", { name: "Older" }).waitFor();
await measure(`Requests, ${ROWS.toLocaleString("en")} rows`, {
  older: (on) => on.getByRole("link", { name: "Older" }).click(),
  "open one": (on) => on.getByRole("region", { name: "List of requests" }).getByRole("link").first().click(),
  "go to the search": (on) => on.getByRole("searchbox").click(),
  ...keys("s"),
  search: click("status:5xx"),
});

const first: TimelineStep = {
  index: 0,
  at_ms: 0,
  model: "builtin",
  plan_ms: 0.1,
  decode_ms: 4,
  sample_ms: 0.2,
  expected_ms: 4,
  processor_wait_ms: 0,
  passes: 1,
  decode_rows: 8,
  prefill_tokens: 0,
  kv_tokens: 2000,
  running: 8,
  waiting: 0,
  threads: 2,
  sequences: [],
};
const steps = Array.from({ length: STEPS }, (_, index): TimelineStep => {
  const share = (n: number) => ({
    request_id: `request-${Math.floor(index / 100) * 8 + n}`,
    kv_sequence: n,
    prefill_tokens: index % 100 === 0 ? 20 : 0,
    decode_rows: 1,
  });
  const sequences = Array.from({ length: 8 }, (_, n) => share(n));
  return { ...first, index, at_ms: index * 5 + (index > STEPS / 2 ? 60_000 : 0), sequences };
});
await page.route("**/v1/timeline?*", (route) => {
  const query = new URL(route.request().url()).searchParams;
  const [from, until] = [Number(query.get("from") ?? 0), Number(query.get("until") ?? Infinity)];
  const found = steps.filter(({ at_ms }) => at_ms >= from && at_ms < until).slice(-Number(query.get("last")));
  return route.fulfill({ json: { steps: found } });
});
await console_.open("/timeline");
await page.getByRole("checkbox", { name: "follow" }).uncheck();
const older = page.getByRole("button", { name: "Load older steps" });
await older.waitFor();
while (await older.isVisible()) {
  const before = (await page.getByText(LOADED).textContent()) ?? "";
  await older.click();
  await page.getByText(before).waitFor({ state: "detached" });
}
assert.match((await page.getByText(LOADED).textContent()) ?? "", new RegExp(STEPS.toLocaleString("en")));
await measure(`Timeline, ${STEPS.toLocaleString("en")} steps`, {
  all: click("All"),
  "go to the picture": (on) => on.getByRole("img", { name: /^Steps of the engine/ }).click(),
  ...keys("+", "ArrowRight", "PageDown", "End", "0", "-"),
  "more of the table": click("Later"),
});
await page.unrouteAll({ behavior: "ignoreErrors" });

const records = Array.from({ length: RECORDS }, (_, n) =>
  JSON.stringify({ prompt: `Question ${n}?`, reference: `${n}` }),
);
const answer = await upload(server, "many.jsonl", records.join("\n"), {
  name: "many.jsonl",
  type: "eval_set",
});
const { dataset_id } = (await answer.json()) as DatasetAnswer;
await until(async () => {
  const dataset = (await (await server.get(`/v1/datasets/${dataset_id}`)).json()) as { status: string };
  return dataset.status === "ready";
});
await console_.open(`/data/${dataset_id}`);
await page.getByText(/^Its 50,000 records/).waitFor();
await measure(`Data, ${RECORDS.toLocaleString("en")} records`, {
  show: (on) => on.getByText(/^Its 50,000 records/).click(),
  after: click("After"),
  before: click("Before"),
});

const words = "This is **one** of many sentences with `code` and a [link](https://example.invalid/).\n\n";
const text = words.repeat(Math.ceil(CHARACTERS / words.length)).slice(0, CHARACTERS);
const chunk = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({ id: "x", model: "builtin", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const stream = [...text.matchAll(/.{1,200}/gs)].map(([content]) => chunk({ content }, null)).join("");
await page.route("**/v1/chat/completions", (route) =>
  route.fulfill({ contentType: "text/event-stream", body: `${stream}${chunk({}, "stop")}data: [DONE]\n\n` }),
);
await console_.open("/");
await page.getByRole("textbox", { name: "Message", exact: true }).fill("Tell me everything");
await page.keyboard.press("Enter");
await page.getByRole("button", { name: "Answer again" }).waitFor();
await measure(`Chat, an answer of ${CHARACTERS.toLocaleString("en")} characters`, {
  "go to the message": (on) => on.getByRole("textbox", { name: "Message", exact: true }).click(),
  ...keys("a", "Shift+Enter"),
  details: click("Details"),
  settings: click("Settings"),
  "scroll up": (on) => on.mouse.wheel(0, -5000),
});
