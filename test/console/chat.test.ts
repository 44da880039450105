import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Locator, Page, Request } from "playwright-core";
import { skipWithoutBrowser as skip } from "../support/browser.ts";
import { type ConsoleUnderTest, startConsole } from "../support/console.ts";
import { hostileTexts } from "../support/hostile-texts.ts";
import { only } from "../support/openai-server.ts";
import { json, until } from "../support/server.ts";
import { type DatasetAnswer, upload } from "../support/upload.ts";

/** What a stream's last chunks say, which the page must show. */
interface Told {
  readonly account: { readonly limiter: { readonly cause: string } };
  readonly timings: { readonly queue_ms: number; readonly prefill_ms: number; readonly decode_ms: number };
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
  };
}

describe("the chat page", { skip }, () => {
  let console_: ConsoleUnderTest;
  let page: Page;
  before(async () => {
    // Few at the same time, so that a test can make one wait.
    console_ = await startConsole({ MAX_SEQUENCES: "2" });
    page = console_.page;
    await console_.open("/");
  });
  after(() => console_[Symbol.asyncDispose]());

  const message = () => page.getByRole("textbox", { name: "Message", exact: true });
  const answers = () => page.getByRole("article", { name: "Answer" });
  const whole = (answer: Locator) => answer.getByRole("button", { name: "Answer again" }).waitFor();

  /** Types and sends by keyboard; resolves when the answer is whole, to what the server told of it. */
  async function ask(text: string): Promise<Told> {
    const stream = await console_.answerTo("/v1/chat/completions", async () => {
      await message().focus();
      await page.keyboard.insertText(text);
      await page.keyboard.press("Enter");
    });
    await whole(answers().last());
    return toldBy(stream);
  }

  test("a question is asked by keyboard, and its account is the server's", async () => {
    await console_.assertAccessible("empty");
    await console_.assertFitsNarrow("empty");
    const { timings, usage, account: latency } = await ask("Once upon a time");
    const account = answers().last().getByRole("group", { name: "What it cost" });
    const figures = (await account.textContent()) ?? "";
    const ms = (value: number) => (value < 10 ? String(value) : Math.round(value).toLocaleString("en"));
    for (const part of ["queue", "prefill", "decode"] as const)
      assert.match(figures, new RegExp(`${part}\\s*${ms(timings[`${part}_ms`])} ms`));
    const together = timings.queue_ms + timings.prefill_ms + timings.decode_ms;
    assert.match(figures, new RegExp(`=\\s*${ms(together)} ms`));
    assert.match(figures, new RegExp(`${usage.prompt_tokens} prompt tokens`));
    assert.match(figures, new RegExp(`${usage.completion_tokens} new`));
    assert.match(figures, new RegExp(`context ${usage.total_tokens.toLocaleString("en")} of 1,024`));

    assert.ok(figures.includes(latency.limiter.cause), figures);

    const details = account.getByRole("button", { name: "Details" });
    await details.focus();
    await page.keyboard.press("Enter");
    const browser = await account.getByRole("row", { name: /^In this browser/ }).textContent();
    const [seen] = /([\d,.]+) (ms|s)/.exec(browser ?? "") ?? [""];
    assert.ok(inMs(seen) >= Math.floor(together), `${seen} in the browser, ${together} in the server`);
    await console_.assertAccessible("answered, with its account in full");
    await console_.assertFitsNarrow("answered");
    assert.equal(await page.evaluate("document.cookie"), "", "no script can read the session");
  });

  test("an answer again is a branch, and a changed question too", async () => {
    await answers().last().getByRole("button", { name: "Answer again" }).press("Enter");
    await page.getByText("2 of 2").waitFor();
    await answers().last().getByRole("button", { name: "Earlier branch" }).press("Enter");
    await page.getByText("1 of 2").waitFor();
    await page.getByRole("button", { name: "Change" }).press("Enter");
    await page.getByRole("textbox", { name: "Your message, changed" }).fill("There was a robot");
    await page.getByRole("button", { name: "Send as a branch" }).press("Enter");
    await whole(answers().last());
    assert.equal(await page.getByRole("article", { name: "You" }).getByText("2 of 2").count(), 1);
    assert.equal(await answers().count(), 1);
  });

  test("parameters and the system prompt are sent, and what is empty is not", async () => {
    await page.getByRole("button", { name: "Settings", exact: true }).press("Enter");
    await page.getByLabel("Temperature").fill("0");
    await page.getByLabel("Most tokens").fill("3");
    await page.getByLabel("System prompt").fill("You are brief.");
    await page.getByLabel("Form of the answer").selectOption("JSON after a schema");
    await console_.assertAccessible("settings");
    await page.getByLabel("Form of the answer").selectOption("text");
    await page.getByRole("button", { name: "Close settings" }).press("Enter");
    const sent = page.waitForRequest("**/v1/chat/completions");
    const { usage } = await ask("And then?");
    const { messages, stream, stream_options, include, return_progress, ...parameters } = (
      await sent
    ).postDataJSON();
    assert.deepEqual(parameters, { temperature: 0, max_completion_tokens: 3 });
    assert.deepEqual(messages[0], { role: "system", content: "You are brief." });
    assert.equal(usage.completion_tokens, 3);
    await answers().last().getByText("cut off by its limit").waitFor();
  });

  test("the exported curl command asks the same again", async () => {
    await page.getByRole("button", { name: "Export" }).press("Enter");
    await page.getByRole("radio", { name: /^curl/ }).check();
    await console_.assertAccessible("export");
    const command = (await page.getByRole("region", { name: "Preview" }).textContent()) ?? "";
    await page.keyboard.press("Escape");
    const output = execFileSync("bash", ["-c", command], {
      env: { ...process.env, API_KEY: "dev-local-key" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const { choices } = JSON.parse(output.toString()) as { choices: [{ message: { content: string } }] };
    const shown = await answers().last().locator(".markdown").textContent();
    assert.equal(shown?.trim(), choices[0].message.content.trim());
  });

  test("an answer is stopped, and what it said until then is kept", async () => {
    await page.getByRole("button", { name: "New conversation" }).press("Enter");
    // Held before it reaches the server, so that nothing comes until it is stopped.
    const stopped = Promise.withResolvers<void>();
    await page.route("**/v1/chat/completions", (route) => stopped.promise.then(() => route.abort()));
    await message().focus();
    await page.keyboard.insertText("Tell me everything");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await page.getByText("You stopped it here.").waitFor();
    await page.getByText("The answer was stopped.").waitFor({ state: "attached" });
    stopped.resolve();
    await page.unrouteAll({ behavior: "ignoreErrors" });
  });

  const settings = () => page.getByRole("complementary", { name: "Settings of this conversation" });
  const openSettings = () => page.getByRole("button", { name: "Settings", exact: true }).press("Enter");
  const closeSettings = () => page.getByRole("button", { name: "Close settings" }).press("Enter");
  const begin = () => page.getByRole("button", { name: "New conversation" }).press("Enter");

  test("two answers come side by side, each with its own settings, and either is gone on from", async () => {
    await begin();
    await openSettings();
    await settings().getByRole("checkbox", { name: "Two answers side by side" }).check();
    await settings().getByRole("radio", { name: "B" }).check();
    await settings().getByLabel("Most tokens").fill("5");
    await console_.assertAccessible("settings of two answers");
    await closeSettings();
    const bodies: Array<{ max_completion_tokens: number; messages: ReadonlyArray<{ content: string }> }> = [];
    const note = (request: Request) => {
      if (request.url().endsWith("/v1/chat/completions")) bodies.push(request.postDataJSON());
    };
    page.on("request", note);
    await ask("Tell me something");
    assert.deepEqual(bodies.map(({ max_completion_tokens }) => max_completion_tokens).toSorted(), [3, 5]);
    const b = page.getByRole("group", { name: "Answer B" });
    await b.getByText("max_completion_tokens 5").waitFor();
    await console_.assertAccessible("two answers");
    await console_.assertFitsNarrow("two answers");
    await b.getByRole("button", { name: "Go on from B" }).press("Enter");
    await b.getByRole("button", { name: "The conversation goes on from here" }).waitFor();
    const kept = (await b.locator(".markdown").textContent())?.trim();
    await openSettings();
    await settings().getByRole("checkbox", { name: "Two answers side by side" }).uncheck();
    await closeSettings();
    await ask("And more?");
    page.off("request", note);
    assert.equal(bodies.at(-1)?.messages[2]?.content.trim(), kept);
  });

  test("a question goes with passages of the documents that were chosen, which are shown", async () => {
    const { dataset_id } = await json<DatasetAnswer>(
      upload(console_.server, "ferry.md", "The ferry to Skarn leaves every day at 7:40.", {
        name: "ferry.md",
      }),
    );
    await until(async () => {
      const { status } = await json<{ status: string }>(console_.server.get(`/v1/rag/indexes/${dataset_id}`));
      return status === "ready";
    });
    await begin();
    await openSettings();
    await settings().getByLabel("Documents as context").selectOption("ferry.md");
    await closeSettings();
    const sent = page.waitForRequest("**/v1/chat/completions");
    await ask("When does the ferry to Skarn leave?");
    const { messages } = (await sent).postDataJSON();
    assert.match(
      messages.at(-1).content,
      /\[1\] ferry\.md: The ferry to Skarn leaves every day at 7:40\.\s+Question: When does/,
    );
    await page.getByText("with 1 passage of").press("Enter");
    await page.getByText(/^\[1\] .*characters 0–44/).waitFor();
    await console_.assertAccessible("an answer from documents");
    await openSettings();
    await settings().getByLabel("Documents as context").selectOption("none");
    await closeSettings();
  });

  test("a tool that the model calls is answered for it", async () => {
    await begin();
    await openSettings();
    await settings().getByLabel("Most tokens").fill("60");
    await settings().getByRole("checkbox", { name: "Tools" }).check();
    const editor = settings().getByLabel("Functions that the model may call");
    await editor.fill("[");
    await settings().getByRole("alert").getByText("Not JSON yet").waitFor();
    const city = { type: "string", enum: ["Paris"] };
    const tool = {
      name: "get_weather",
      strict: true,
      parameters: { type: "object", properties: { city }, required: ["city"] },
    };
    await editor.fill(JSON.stringify([{ type: "function", function: tool }]));
    await settings().getByLabel("Whether it calls one").selectOption("it must");
    await console_.assertAccessible("settings with tools");
    await closeSettings();
    await ask("What is the weather in Paris?");
    const call = page.getByRole("form", { name: "Tools that the model calls" });
    await call.getByText('"city": "Paris"').waitFor();
    const gave = `18 degrees ${hostileTexts.slice(0, 2).join(" ")}`;
    await call.getByLabel("What get_weather gave").fill(gave);
    await console_.assertAccessible("a call of a tool");
    const sent = page.waitForRequest("**/v1/chat/completions");
    await call.getByRole("button", { name: "Give it to the model" }).press("Enter");
    const { messages } = (await sent).postDataJSON();
    const [{ tool_calls }, result] = messages.slice(-2);
    assert.deepEqual(result, { role: "tool", tool_call_id: tool_calls[0].id, content: gave });
    await whole(answers().last());
    await page.getByText(`gave: ${gave}`).waitFor();
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
    await openSettings();
    await settings().getByRole("checkbox", { name: "Tools" }).uncheck();
    await settings().getByLabel("Most tokens").fill("3");
    await closeSettings();
  });

  test("who waits sees the place in the queue", async () => {
    await begin();
    // As many as the queue holds beside the page's own request, which comes while most of them wait.
    const others = Array.from({ length: 8 }, (_, n) =>
      console_.server.post("/v1/completions", { prompt: `Story ${n}`, max_tokens: 250, ignore_eos: true }),
    );
    await message().focus();
    await page.keyboard.insertText("Am I next?");
    await page.keyboard.press("Enter");
    await page
      .getByText(/(ahead|next) in the queue/)
      .first()
      .waitFor();
    await whole(answers().last());
    await Promise.all(others);
  });

  test("a refusal is shown in the server's words", async () => {
    await page.getByRole("button", { name: "New conversation" }).press("Enter");
    await ask(`${"word ".repeat(2000)}`);
    const alert = answers().last().getByRole("alert");
    assert.match((await alert.textContent()) ?? "", /context/);
    await alert.getByText("context_length_exceeded").waitFor();
    await console_.assertAccessible("failed");
  });

  test("hostile words, the user's and the model's, never run and never load", async () => {
    await page.getByRole("button", { name: "New conversation" }).press("Enter");
    const words = hostileTexts.join("\n\n");
    // The model says them because a grammar allows nothing else; the page itself has no field for one.
    await page.route(
      "**/v1/chat/completions",
      (route) => {
        const body = { ...route.request().postDataJSON(), grammar: only(words) };
        delete body.max_completion_tokens;
        return route.continue({ postData: JSON.stringify(body) });
      },
      { times: 1 },
    );
    await ask(words);
    const answer = answers().last();
    assert.equal(await answer.getByText("<script>globalThis.ran='script'</script>").count(), 1);
    assert.equal(await page.locator("main :is(img, script, iframe, style, object, form form)").count(), 0);
    const links = await answer
      .getByRole("link")
      .evaluateAll((all) => all.map((link) => `${link.getAttribute("href")} ${link.getAttribute("rel")}`));
    assert.deepEqual(links, [
      "https://evil.invalid/pixel.png?what=was-said noopener noreferrer nofollow",
      "https://example.invalid/page noopener noreferrer nofollow",
    ]);
    await answer.hover();
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
    await console_.assertAccessible("hostile words");
    await console_.assertFitsNarrow("hostile words");
  });

  test("conversations are there after a reload, and one is deleted by keyboard", async () => {
    await page.reload();
    const conversations = page.getByRole("navigation", { name: "Conversations" });
    await conversations.getByRole("button", { name: /^Once upon a time/ }).press("Enter");
    await answers().first().waitFor();
    const before = await conversations.getByRole("listitem").count();
    await conversations.getByRole("button", { name: "Delete Once upon a time" }).press("Enter");
    await conversations.getByRole("button", { name: "Delete", exact: true }).press("Enter");
    assert.equal(await conversations.getByRole("listitem").count(), before - 1);
  });

  test("a first visitor asks, sees why it took so long, uploads a file, asks about it and evaluates", async () => {
    const open = (name: string) =>
      page
        .getByRole("navigation", { name: "Console" })
        .getByRole("link", { name, exact: true })
        .press("Enter");
    const drop = async (name: string, content: string, kind: string) => {
      const path = join(console_.server.directory, name);
      await writeFile(path, content);
      await page.getByLabel(/Drop a file here/).setInputFiles(path);
      await page.getByLabel("Kind").selectOption(kind);
      await page.getByRole("button", { name: "Upload" }).press("Enter");
      await page.getByRole("heading", { name, level: 2 }).waitFor();
    };
    await console_.open("/");
    const { account } = await ask("What is a lighthouse?");
    await answers().last().getByText(account.limiter.cause).waitFor();
    await open("Requests");
    await page.getByRole("region", { name: "List of requests" }).getByRole("link").first().press("Enter");
    await page.getByRole("region", { name: "Where its time went" }).waitFor();
    await open("Data");
    await drop("harbour.md", "The lighthouse of Port Aldren was built in 1871.", "documents, to answer from");
    await page.getByText(/^Indexed:/).waitFor();
    await page.getByLabel("Ask these documents").fill("When was the lighthouse built?");
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: "Answer from the documents" }).getByText("[1]").first().waitFor();
    await drop(
      "set.jsonl",
      JSON.stringify({ prompt: "2 + 2?", reference: "4" }),
      "evaluation set, prompts with references",
    );
    await page.getByRole("link", { name: "Evaluate the model by it" }).press("Enter");
    await page.getByRole("button", { name: "Start" }).press("Enter");
    await page.getByText(/^completed: 1 of 1 record/).waitFor();
    await page.getByRole("region", { name: "Means with intervals" }).waitFor();
  });

  test("a link fills the question in and does not send it", async () => {
    await console_.open("/?q=What%20is%20a%20KV%20cache%3F");
    assert.equal(await message().inputValue(), "What is a KV cache?");
    assert.equal(await answers().count(), 0);
  });

  test("the server that is away is waited for", async () => {
    for (const path of ["**/readyz", "**/v1/live?*"])
      await page.route(path, (route) => route.abort("connectionrefused"), { times: 1 });
    await console_.showTab(false);
    await console_.showTab(true);
    await page.getByRole("alert").getByText("The server does not answer").waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
  });

  test("all this time nothing was asked elsewhere, no policy broken and no error logged", () => {
    console_.assertQuiet((complaint) =>
      // Chromium logs answers that are errors, and the two requests that were cut above.
      /Failed to load resource: (the server responded with a status of 400|net::ERR_CONNECTION_REFUSED)/.test(
        complaint,
      ),
    );
  });
});

/** The figures at the end of a stream; none where it is an error. */
function toldBy(stream: string): Told {
  const chunks = [...stream.matchAll(/^data: (\{.*)$/gm)].map(
    ([, data = ""]) => JSON.parse(data) as Partial<Told>,
  );
  return Object.assign({}, ...chunks.filter(({ timings, usage }) => timings ?? usage)) as Told;
}

function inMs(shown: string): number {
  const value = Number.parseFloat(shown.replaceAll(",", ""));
  return shown.endsWith(" s") ? value * 1000 : value;
}
