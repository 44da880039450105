import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { CacheOfModel } from "../../src/instruments/cache-view.ts";
import type { LookAnswer } from "../../src/instruments/microscope/schema.ts";
import type { Capacity } from "../../src/instruments/planner/schema.ts";
import type { Setting } from "../../src/routes/settings.ts";
import type { TimelineStep } from "../../src/telemetry/steps/timeline.ts";
import { skipWithoutBrowser as skip } from "../support/browser.ts";
import { type ConsoleUnderTest, startConsole } from "../support/console.ts";
import { hostileLine as hostile } from "../support/hostile-texts.ts";
import { json, KEY } from "../support/server.ts";

describe("the pages beside the chat", { skip }, () => {
  let console_: ConsoleUnderTest;
  let page: Page;
  before(async () => {
    console_ = await startConsole();
    page = console_.page;
  });
  after(() => console_[Symbol.asyncDispose]());

  /** Chooses a file of that content and uploads it, by keyboard. */
  async function upload(name: string, content: string, kind: string): Promise<void> {
    const path = join(console_.server.directory, name);
    await writeFile(path, content);
    await page.getByLabel(/Drop a file here/).setInputFiles(path);
    await page.getByLabel("Kind").selectOption(kind);
    await page.getByRole("button", { name: "Upload" }).press("Enter");
    await page.getByRole("heading", { name, level: 2 }).waitFor();
  }

  const fail = (path: string) => console_.fail(path, hostile);

  test("Cache and Capacity say what there is before the first answer", async () => {
    await console_.open("/cache");
    await page.getByText("No prompt was computed yet.").waitFor();
    await console_.assertAccessible("cache, empty");
    await console_.open("/capacity");
    await page.getByText("nothing runs until you ask", { exact: false }).waitFor();
    await console_.assertAccessible("capacity, empty");
    await fail("**/v1/capacity");
    await page.getByRole("button", { name: "Simulate" }).press("Enter");
    await page.getByRole("alert").getByText(hostile).waitFor();
    await console_.assertAccessible("capacity, failed");
  });

  test("Now shows what /v1/metrics counts", async () => {
    await console_.open("/now");
    await page.getByText("Serving, and idle.").waitFor();
    await page.getByText("No answer has ended since this page was opened.", { exact: false }).waitFor();
    await console_.assertAccessible("now, idle");
    await console_.server.post("/v1/chat", {
      prompt: "Once upon a time",
      max_new_tokens: 24,
      reproducible: true,
    });
    const table = page.getByRole("region", { name: "Time by what it went to" });
    await table.waitFor();
    const shown = await table
      .getByRole("row")
      .filter({ has: page.getByRole("cell") })
      .evaluateAll((rows) => rows.map((row) => row.querySelector("th")?.textContent));
    const text = await (await console_.server.get("/v1/metrics")).text();
    const counted = [...text.matchAll(/^answer_limited_seconds_total\{class="(\w+)"\} (\S+)$/gm)]
      .filter(([, , seconds]) => Number(seconds) > 0)
      .toSorted(([, , a], [, , b]) => Number(b) - Number(a))
      .map(([, name]) => name?.replaceAll("_", " "));
    assert.deepEqual(shown, counted);

    const plot = page.getByRole("img", { name: /^Tokens a second/ });
    await plot.focus();
    await page.keyboard.press("End");
    await page.getByText(/^\d.*: written \d/).waitFor();
    await page.getByRole("button", { name: "As a table of Tokens a second" }).press("Enter");
    await page.getByRole("region", { name: "Table of Tokens a second" }).waitFor();
    await console_.assertAccessible("now, with answers and a table");
    await console_.assertFitsNarrow("now");
  });

  test("a running request is cancelled by keyboard on Now", async () => {
    await console_.open("/now");
    const asked = console_.server.post(
      "/v1/completions",
      { prompt: "Long", max_tokens: 1000, ignore_eos: true },
      { ...KEY, "x-request-id": "long" },
    );
    await page.getByRole("button", { name: "Cancel long" }).press("Enter");
    assert.equal((await asked).status, 503);
    await page.getByText("No request is being answered.").waitFor();
  });

  test("one stream tells the page what changes; it ends while the tab is hidden, and nothing is polled", async () => {
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    const isStream = (request: { url(): string }) => request.url().includes("/v1/live?");
    const ended = page.waitForEvent("requestfailed", isStream);
    await console_.showTab(false);
    await ended;
    const begun = page.waitForResponse(isStream);
    await console_.showTab(true);
    assert.match((await begun).url(), /topics=metrics%2Crunning%2Cserver&interval_ms=2000$/);
    asked.length = 0;
    await page.getByRole("link", { name: "Requests", exact: true }).press("Enter");
    const list = page.getByRole("region", { name: "List of requests" });
    await list.waitFor();
    await console_.server.post("/v1/completions", { prompt: "Told", max_tokens: 1 });
    await list.getByText("/v1/completions").waitFor();
    assert.deepEqual(
      asked.filter((path) => ["/readyz", "/v1/metrics"].includes(path)),
      [],
    );
  });

  test("Requests finds one by what it was, and says what bounded it in the ledger's words", async () => {
    const named = { ...KEY, "x-request-id": hostile, "user-agent": hostile, traceparent: hostile };
    await console_.server.post("/v1/chat", { model: hostile }, named);
    await console_.open("/requests");
    const list = page.getByRole("region", { name: "List of requests" });
    await list.getByText("400 invalid_request").waitFor();
    await console_.assertAccessible("requests");
    await page.getByRole("searchbox", { name: "Search" }).fill("completion>=1 route:/v1/chat");
    await page.keyboard.press("Enter");
    await list.getByText("400 invalid_request").waitFor({ state: "detached" });
    await list.getByRole("link").first().press("Enter");
    const id = page.url().split("/").at(-1)?.split("?")[0];
    const { account, request_id } = await json<{
      account: { parts_ms: Record<string, number>; limiter: { cause: string } };
      request_id: string;
    }>(console_.server.get(`/v1/requests/${id}`));
    await page.getByText(account.limiter.cause).waitFor();
    await page.getByRole("heading", { name: request_id }).waitFor();
    const parts = page.getByRole("region", { name: "Where its time went" });
    for (const part of Object.keys(account.parts_ms))
      await parts.getByRole("rowheader", { name: part.replaceAll("_", " "), exact: true }).waitFor();
    await page.getByRole("heading", { name: "What the model was given" }).waitFor();
    await page.getByRole("button", { name: "Score the answer again" }).press("Enter");
    await page.getByText(/^(Identical|Consistent): /).waitFor();
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
    await console_.assertAccessible("a request");
    await console_.assertFitsNarrow("a request");
    await page.getByRole("searchbox", { name: "Search" }).fill("nonsense>1");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("400 invalid_request").waitFor();
  });

  test("Timeline finds the steps of a request, and shows each of them by keyboard as the API has it", async () => {
    await console_.server.post("/v1/chat", { prompt: "A step in time", max_new_tokens: 12 });
    await console_.open("/requests");
    await page.getByRole("region", { name: "List of requests" }).getByRole("link").first().press("Enter");
    await page.getByRole("link", { name: "Its steps" }).press("Enter");
    const id = await page.getByRole("searchbox", { name: "Steps of a request" }).inputValue();
    const { steps } = await json<{ steps: readonly TimelineStep[] }>(
      console_.server.get(`/v1/timeline?request=${id}&last=5000`),
    );
    const picture = page.getByRole("img", { name: /^Steps of the engine/ });
    const table = page.getByRole("region", { name: "Table of steps" });
    await picture.focus();
    await page.keyboard.press("0");
    const rows = await table
      .getByRole("row")
      .filter({ has: page.getByRole("cell") })
      .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent?.trim())));
    assert.deepEqual(
      rows.map(([index, , , , , prefill, decode, kv]) => [index, prefill, decode, kv].map(Number)),
      steps.map(({ index, prefill_tokens, decode_rows, kv_tokens }) => [
        index,
        prefill_tokens,
        decode_rows,
        kv_tokens,
      ]),
    );
    await page.keyboard.press("]");
    const share = steps[0]?.sequences.find(({ request_id }) => request_id === id);
    const step = page.getByRole("region", { name: `Who was in step ${steps[0]?.index}` });
    await step
      .getByRole("row", { name: new RegExp(`^${id} ${share?.kv_sequence} ${share?.prefill_tokens} `) })
      .waitFor();
    await page.keyboard.press("ArrowRight");
    await page.getByText(new RegExp(`^Step ${steps[1]?.index}: `)).waitFor({ state: "attached" });
    await page.keyboard.press("+");
    await page.getByText(`of ${steps.length} steps`, { exact: false }).waitFor();
    await console_.assertAccessible("timeline, of a request");
    await console_.assertFitsNarrow("timeline");
    await page.getByRole("link", { name: "All requests" }).press("Enter");
    await table.getByRole("row").nth(steps.length).waitFor();
    await console_.assertAccessible("timeline");
    await console_.open("/timeline?request=nobody");
    await page.getByText("No step of request nobody is kept", { exact: false }).waitFor();
    await console_.assertAccessible("timeline, empty");
    await page.getByRole("searchbox", { name: "Steps of a request" }).fill("");
    await fail("**/v1/timeline?*");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("503 service_unavailable").waitFor();
    await console_.assertAccessible("timeline, failed");
  });

  test("Cache shows what is held, whose it is and what it saved, as the API has it", async () => {
    await fail("**/v1/cache");
    await console_.open("/cache");
    await page.getByRole("alert").getByText(hostile).waitFor();
    await console_.assertAccessible("cache, failed");
    const table = page.getByRole("region", { name: /^Sequences of/ });
    await table.waitFor();
    await page.getByRole("checkbox", { name: "follow" }).uncheck();
    const { models } = await json<{ models: readonly CacheOfModel[] }>(console_.server.get("/v1/cache"));
    const [cache] = models;
    const rows = await table
      .getByRole("row")
      .filter({ has: page.getByRole("cell") })
      .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent?.trim())));
    assert.deepEqual(
      rows.map(([sequence, state, tokens]) => [Number(sequence), state, Number(tokens?.replace(",", ""))]),
      cache?.sequences
        .filter(({ state }) => state !== "free")
        .map(({ kv_sequence, state, tokens }) => [kv_sequence, state, tokens]),
    );
    const share = new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(
      100 * (cache?.prompts.hit_share ?? 0),
    );
    const tokens = cache?.prompts.tokens.toLocaleString("en");
    await page.getByText(`Of ${tokens} prompt tokens, ${share} %`, { exact: false }).waitFor();
    await console_.assertAccessible("cache");
    await console_.assertFitsNarrow("cache");
  });

  test("Capacity answers how many users fit, in the API's words and figures", async () => {
    // What steps cost is known after 50 of them: a step for each token, since answers that are computed alone share none.
    const body = { prompt: "Steps", max_tokens: 30, n: 8, reproducible: true, seed: 1 };
    await json(console_.server.post("/v1/completions", body));
    await console_.open("/capacity?completion_tokens=30&think_seconds=0.5");
    const answer = await console_.answerTo("/v1/capacity", async () => {
      await page.getByLabel("Tokens of a prompt").fill("40");
      await page.keyboard.press("Enter");
    });
    const { sentence, points } = JSON.parse(answer) as Capacity;
    await page.getByRole("region", { name: "What fits" }).getByText(sentence).waitFor();
    const rows = page.getByRole("region", { name: "By number of users" }).getByRole("row");
    assert.deepEqual(
      await rows.getByRole("rowheader").allTextContents(),
      points.map(({ users }) => String(users)),
    );
    assert.match(page.url(), /prompt_tokens=40/);
    await console_.assertAccessible("capacity");
    await console_.assertFitsNarrow("capacity");
  });

  test("Microscope goes through a text token by token, by keyboard, with the API's figures", async () => {
    await console_.open("/microscope");
    await page.getByText("Up to 512 tokens.", { exact: false }).waitFor();
    await console_.assertAccessible("microscope, empty");
    await fail("**/v1/microscope");
    await page.getByLabel("Text", { exact: true }).fill(`Once upon a time ${hostile}`);
    await page.getByRole("button", { name: "Look" }).press("Enter");
    await page.getByRole("alert").getByText(hostile).waitFor();
    await console_.assertAccessible("microscope, failed");
    await page.getByLabel("Tokens to write").fill("3");
    const answer = await console_.answerTo("/v1/microscope", () => page.keyboard.press("Enter"));
    const { tokens, choices, attention } = JSON.parse(answer) as LookAnswer;
    const strip = page.getByRole("listbox", { name: "Tokens" });
    assert.equal(await strip.getByRole("option").count(), tokens.length);
    const stages = page.getByRole("region", { name: "Stages of the sampler" }).getByRole("row");
    const left = await stages.evaluateAll((rows) => rows.slice(1).map((row) => row.children[1]?.textContent));
    assert.deepEqual(
      left,
      choices[0]?.stages.map((stage) => stage.left.toLocaleString("en")),
    );
    await console_.assertAccessible("microscope, a written token");
    await strip.press("Home");
    await page.getByText("Nothing comes before it", { exact: false }).waitFor();
    await strip.press("ArrowRight");
    await page.getByRole("region", { name: "Likeliest in this place" }).waitFor();
    const most = Math.max(...(attention?.rows[1] ?? []));
    const share = `${(100 * most).toLocaleString("en", { maximumFractionDigits: 1 })} %`;
    await page.getByRole("region", { name: "Most attended" }).getByText(share).waitFor();
    await page.getByText("All heads: choose one").press("Enter");
    await page.getByRole("button", { name: /^Layer 1, head 2:/ }).press("Enter");
    await page.getByRole("heading", { name: /looked at: head 2 of layer 1$/ }).waitFor();
    await page.getByRole("radio", { name: "shaded by attention" }).check();
    await console_.assertAccessible("microscope, a head");
    await console_.assertFitsNarrow("microscope");
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
  });

  test("documents are uploaded, watched and asked by keyboard, with the places of their passages", async () => {
    await console_.open("/data");
    await page.getByText("There is nothing here yet.", { exact: false }).waitFor();
    await console_.assertAccessible("data, empty");
    const notes = `The ferry to Skarn leaves every day at 7:40.\n\n${hostile}\n`;
    await upload('<img src=x onerror="globalThis.ran=1">.md', notes, "documents, to answer from");
    await page.getByText(/^Indexed:/).waitFor();
    const answered = await console_.answerTo("/v1/rag/query", async () => {
      await page.getByLabel("Ask these documents").fill("When does the ferry to Skarn leave?");
      await page.keyboard.press("Enter");
    });
    const { citations } = JSON.parse(answered) as {
      citations: ReadonlyArray<{ text: string; index: number }>;
    };
    const article = page.getByRole("article", { name: "Answer from the documents" });
    await article.waitFor();
    assert.ok(citations.length > 0);
    for (const { text, index } of citations) {
      await article.getByText(`[${index}]`, { exact: true }).first().waitFor();
      assert.ok((await article.textContent())?.includes(text));
    }
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
    await console_.assertAccessible("data, asked");
    await console_.assertFitsNarrow("data");
  });

  test("an evaluation is started, followed and looked into, and its figures are the API's", async () => {
    const set = [
      { prompt: "What is 2 + 2?", reference: "4" },
      { prompt: hostile, reference: hostile },
      { answer: "refused" },
    ];
    await upload(
      "set.jsonl",
      set.map((record) => JSON.stringify(record)).join("\n"),
      "evaluation set, prompts with references",
    );
    await page.getByText("1 record refused").waitFor();
    await page.getByRole("link", { name: "Evaluate the model by it" }).press("Enter");
    await page.getByRole("checkbox", { name: "token f1" }).check();
    await page.getByRole("button", { name: "Start" }).press("Enter");
    // The hostile prompt and its judge's form are longer together than the window: its record may fail.
    await page.getByText(/^completed( with failures)?: 2 of 2 records/).waitFor({ timeout: 60_000 });
    const id = page.url().split("/").at(-1);
    const { summary, failures } = await json<{
      summary: { mean_scores: { overall: number }; mean_metrics: { token_f1: number } };
      failures: ReadonlyArray<{ code: string; count: number }>;
    }>(console_.server.get(`/v1/batch-evals/${id}/result`));
    const shown = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 3 });
    await page
      .getByRole("row", { name: new RegExp(`^overall.* ${shown(summary.mean_scores.overall)} `) })
      .waitFor();
    await page
      .getByRole("row", { name: new RegExp(`^token f1.* ${shown(summary.mean_metrics.token_f1)} `) })
      .waitFor();
    for (const { code, count } of failures) {
      await page
        .getByRole("button", { name: new RegExp(`^${code.replaceAll("_", " ")} \\w+ ${count}$`) })
        .press("Enter");
      await page.getByRole("list", { name: /that did not pass$/ }).waitFor();
    }
    await console_.assertAccessible("evaluations, with a result");
    await console_.assertFitsNarrow("evaluations");
  });

  test("Settings says what each value is, where it comes from, what it has come to and what it costs", async () => {
    await fail("**/v1/settings");
    await console_.open("/settings");
    await page.getByRole("alert").getByText(hostile).waitFor();
    await console_.assertAccessible("settings, failed");
    await page.getByRole("button", { name: "Try again" }).press("Enter");
    const items = page.getByRole("main").getByRole("listitem");
    await items.first().waitFor();
    const { settings } = await json<{ settings: readonly Setting[] }>(console_.server.get("/v1/settings"));
    const shown = await items.evaluateAll((all) =>
      all.map((item) => ({
        variable: item.querySelector("h3")?.textContent,
        value: item.querySelector("samp")?.textContent,
        text: item.textContent ?? "",
      })),
    );
    const sources = { default: "default", environment: "set in the environment", file: "set in .env" };
    for (const [index, { variable, value, source, in_force }] of settings.entries()) {
      assert.equal(shown[index]?.variable, variable);
      assert.equal(shown[index]?.value, value === null ? shown[index]?.value : value || "not set");
      assert.ok(shown[index]?.text.includes(sources[source]), variable);
      assert.ok(shown[index]?.text.includes(in_force ?? ""), variable);
    }
    const model = await json<{ sequences: number; context_window: number; kv_cache_bytes_per_token: number }>(
      console_.server.get("/model"),
    );
    assert.equal(
      settings.find(({ variable }) => variable === "KV_CACHE_MEMORY")?.memory_bytes,
      model.sequences * model.context_window * model.kv_cache_bytes_per_token,
    );
    await console_.assertAccessible("settings");
    await console_.assertFitsNarrow("settings");
    await page.getByRole("checkbox", { name: /^only what was set here/ }).check();
    await page.getByRole("searchbox", { name: "Find a setting" }).fill("kv cache");
    await page.getByText(`1 setting of ${settings.length}`).waitFor();
    await items.getByText("64MiB").waitFor();
    await page.getByRole("searchbox", { name: "Find a setting" }).fill("no such thing");
    await page.getByText("No setting is like that.").waitFor();
    await console_.assertAccessible("settings, none found");
  });

  test("keys lead to pages and to fields, are listed, and can be turned off", async () => {
    await console_.open("/settings");
    await page.getByRole("searchbox", { name: "Find a setting" }).waitFor();
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await dialog.getByRole("row", { name: "k Cache" }).waitFor();
    await console_.assertAccessible("shortcuts");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await page.keyboard.press("/");
    await page.keyboard.type("g?c");
    assert.equal(await page.getByRole("searchbox", { name: "Find a setting" }).inputValue(), "g?c");
    await page.getByRole("main").focus();
    for (const key of ["g", "c"]) await page.keyboard.press(key);
    await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
    await page.getByRole("main").focus();
    await page.keyboard.press("?");
    await dialog.getByRole("checkbox").uncheck();
    await dialog.getByRole("button", { name: "Close" }).press("Enter");
    await page.getByRole("main").focus();
    for (const key of ["g", "n", "?"]) await page.keyboard.press(key);
    assert.equal(await dialog.isVisible(), false);
    assert.match(page.url(), /\/console\/$/);
    await page.getByRole("button", { name: "Keyboard shortcuts" }).press("Enter");
    await dialog.getByRole("checkbox").check();
    await page.keyboard.press("Escape");
  });

  test("a page that is not there says so, and what fails is said in the server's words", async () => {
    await console_.open("/nowhere");
    await page.getByRole("heading", { name: "Page not found" }).waitFor();
    await fail("**/v1/batch-evals?*");
    await console_.open("/evaluations");
    const alert = page.getByRole("alert");
    await alert.getByText(hostile).waitFor();
    await alert.getByText("503 service_unavailable").waitFor();
    await console_.assertAccessible("evaluations, failed");
  });

  test("all this time nothing was asked elsewhere, no policy broken and no error logged", () => {
    console_.assertQuiet((complaint) => /the server responded with a status of (400|503)/.test(complaint));
  });
});
