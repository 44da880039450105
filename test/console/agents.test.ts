/** The model is a fake that is told what to say: models small enough for tests can't drive a loop. All else is real. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { skipWithoutBrowser as skip } from "../support/browser.ts";
import { type ConsoleUnderTest, consoleOf } from "../support/console.ts";
import { hostileLine as hostile } from "../support/hostile-texts.ts";
import { CHATML, chatmlCall, makeScriptedModels, type ScriptedModels } from "../support/scripted-server.ts";
import { json } from "../support/server.ts";

const weather = {
  type: "function",
  name: "get_weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const answers = [
  { when: [], rest: "I am well." },
  { when: ["What is 6 times 7"], rest: chatmlCall("calculator", { expression: "6 * 7" }) },
  { when: ["What is 6 times 7", "<tool_response>\n42"], rest: `It is 42. ${hostile}` },
  { when: ["Weather in Paris"], rest: chatmlCall("get_weather", { city: "Paris" }) },
  { when: ["Weather in Paris", "sunny"], rest: "It is sunny in Paris." },
];

describe("the page of agents", { skip }, () => {
  let models: ScriptedModels;
  let console_: ConsoleUnderTest;
  let page: Page;
  before(async () => {
    models = await makeScriptedModels({ scripted: { template: CHATML, answers } });
    console_ = await consoleOf(() => models.start());
    page = console_.page;
  });
  after(async () => {
    await console_[Symbol.asyncDispose]();
    await models[Symbol.asyncDispose]();
  });

  const begin = (body: object) =>
    json<{ id: string }>(
      console_.server.post("/v1/agents/sessions", { environment: { type: "none" }, ...body }),
    );
  const steps = () => page.getByRole("list", { name: "Steps" });

  test("a session is begun by keyboard, and its steps are the API's", async () => {
    await console_.fail("**/v1/agents/sessions?*", hostile);
    await console_.open("/agents");
    await page.getByRole("alert").getByText(hostile).waitFor();
    await console_.assertAccessible("agents, failed");
    await page.getByText("There is no session yet.", { exact: false }).waitFor();
    await console_.assertAccessible("agents, empty");
    await page.getByLabel("What is to be done").fill("What is 6 times 7?");
    await page.getByRole("button", { name: "Begin" }).press("Enter");
    await steps().getByText("It is 42.", { exact: false }).waitFor();
    const id = page.url().split("/").at(-1);
    const { data } = await json<{ data: ReadonlyArray<{ type: string }> }>(
      console_.server.get(`/v1/agents/sessions/${id}/items?order=asc`),
    );
    const shown = await steps()
      .getByRole("article")
      .evaluateAll((all) => all.map((each) => each.getAttribute("aria-label")));
    assert.deepEqual(
      shown,
      data.map(({ type }) => type.replaceAll("_", " ")),
    );
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
    await page.getByText("1 turn, and what each used").press("Enter");
    await console_.assertAccessible("agents, a session");
    await console_.assertFitsNarrow("agents, a session");
  });

  test("a call that waits for a person is approved in the inbox of all sessions", async () => {
    const { id } = await begin({
      agent: { tools: [{ type: "calculator" }] },
      input: "What is 6 times 7?",
      approval: { default: "always" },
    });
    const inbox = page.getByRole("region", { name: "Waiting for you: 1 call" });
    await inbox.getByText('"expression": "6 * 7"').waitFor();
    await console_.assertAccessible("agents, with a question");
    await inbox.getByRole("button", { name: "Approve calculator" }).press("Enter");
    await inbox.waitFor({ state: "detached" });
    await console_.open(`/agents/${id}`);
    await steps().getByText("It is 42.", { exact: false }).waitFor();
  });

  test("a function of the client's own is answered for it, and a session is deleted", async () => {
    const { id } = await begin({ agent: { tools: [weather] }, input: "Weather in Paris" });
    await console_.open(`/agents/${id}`);
    await page.getByLabel("What get_weather gave").fill(`sunny ${hostile}`);
    await console_.assertAccessible("agents, with a call");
    await page.getByRole("button", { name: "Give it" }).press("Enter");
    await steps().getByText("It is sunny in Paris.").waitFor();
    await steps().getByText(`sunny ${hostile}`).first().waitFor();
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
    await page.getByRole("button", { name: "Delete" }).press("Enter");
    await page.getByRole("region", { name: `Session ${id}` }).waitFor({ state: "detached" });
    assert.equal((await console_.server.get(`/v1/agents/sessions/${id}`)).status, 404);
  });

  test("all this time nothing was asked elsewhere, no policy broken and no error logged", () => {
    console_.assertQuiet((complaint) => /the server responded with a status of (404|503)/.test(complaint));
  });
});
