/**
 * Makes the pictures of docs/console.md from a server that runs, best one with the built-in model and an empty store:
 * `npm run docs:console -- http://localhost:8000`. Everything on them was asked of that server a moment before.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../test/support/browser.ts";

const [, , url = "http://localhost:8000"] = process.argv;
const images = fileURLToPath(new URL("../docs/images/", import.meta.url));

const notes = `# Harbour

The lighthouse of Port Aldren was built in 1871. It is 34 metres tall.

# Ferry

The ferry to Skarn leaves every day at 7:40 and at 16:15. A ticket costs 12 crowns.
`;

const set = ["What is 2 + 2?|4", "What is the capital of France?|Paris", "What is the opposite of hot?|cold"]
  .map((line) => line.split("|"))
  .map(([prompt, reference]) => JSON.stringify({ prompt, reference }))
  .join("\n");

const browser = await launchBrowser();
const context = await browser.newContext({ viewport: { width: 1200, height: 750 }, reducedMotion: "reduce" });
const page = await context.newPage();
await mkdir(images, { recursive: true });
const shoot = (name: string) => page.screenshot({ path: join(images, `console-${name}.png`) });
const open = async (path: string) => {
  await page.goto(`${url}/console${path}`);
  await page.getByRole("heading").first().waitFor();
};
/** As the page itself does: with its session. */
const post = (path: string, data: object) =>
  page.request.post(url + path, { data, headers: { origin: url } });

async function upload(name: string, content: string, kind: string): Promise<void> {
  const path = join(tmpdir(), name);
  await writeFile(path, content);
  await open("/data");
  await page.getByLabel(/Drop a file here/).setInputFiles(path);
  await page.getByLabel("Kind").selectOption(kind);
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByRole("heading", { name, level: 2 }).waitFor();
}

await upload("harbour.md", notes, "rag_corpus");
await page.getByText(/^Indexed:/).waitFor();
await page.getByLabel("Ask these documents").fill("When does the ferry to Skarn leave?");
await page.keyboard.press("Enter");
await page.getByRole("article", { name: "Answer from the documents" }).waitFor();
await page.getByLabel("Ask these documents").scrollIntoViewIfNeeded();
await shoot("data");

await open("/");
await page.getByRole("button", { name: "Settings", exact: true }).click();
await page.getByLabel("Documents as context").selectOption("harbour.md");
await page.getByRole("checkbox", { name: "Two answers side by side" }).check();
await page.getByRole("radio", { name: "B" }).check();
await page.getByLabel("Temperature").fill("0");
await page.getByRole("textbox", { name: "Message", exact: true }).fill("How tall is the lighthouse?");
await page.keyboard.press("Enter");
await page.getByRole("button", { name: "Go on from B" }).waitFor();
await shoot("chat");

await open("/now");
await page.getByText("Serving, and idle.").waitFor();
for (const clients of [3, 6, 9])
  await Promise.all(
    Array.from({ length: clients }, (_, n) =>
      post("/v1/chat", { prompt: `Write a short story about robot number ${n}.`, max_new_tokens: 120 }),
    ),
  );
await page.getByRole("region", { name: "Time by what it went to" }).waitFor();
await shoot("now");

await open("/requests?q=completion%3E20");
await page.getByRole("region", { name: "List of requests" }).getByRole("link").first().click();
await page.getByRole("region", { name: "Where its time went" }).waitFor();
await shoot("requests");
await page.getByRole("link", { name: "Its steps" }).click();
await page.getByRole("img", { name: /^Steps of the engine/ }).focus();
await page.keyboard.press("]");
await page.getByRole("region", { name: /^Who was in step/ }).waitFor();
await shoot("timeline");

await open("/cache");
await page.getByRole("region", { name: /^Sequences of/ }).waitFor();
await shoot("cache");

await open("/capacity");
await page.getByLabel("Requests").selectOption("ledger");
await page.getByRole("button", { name: "Simulate" }).click();
await page.getByRole("region", { name: "By number of users" }).waitFor({ timeout: 120_000 });
await shoot("capacity");

await open("/microscope");
await page.getByLabel("Text", { exact: true }).fill("Tell me a story about a robot.");
await page.getByRole("button", { name: "Look" }).click();
await page.getByRole("region", { name: "Stages of the sampler" }).waitFor();
await page.getByRole("listbox", { name: "Tokens" }).scrollIntoViewIfNeeded();
await shoot("microscope");

await upload("questions.jsonl", set, "eval_set");
await page.getByRole("link", { name: "Evaluate the model by it" }).click();
await page.getByRole("checkbox", { name: "token f1" }).check();
await page.getByRole("button", { name: "Start" }).click();
await page.getByText(/^completed: 3 of 3 records/).waitFor({ timeout: 60_000 });
await page.getByRole("region", { name: "Means with intervals" }).waitFor();
await shoot("evaluations");

await open("/agents");
await page.getByLabel("What is to be done").fill("What is 6 times 7?");
await page.getByRole("button", { name: "Begin" }).click();
await page.getByRole("list", { name: "Steps" }).getByRole("article").nth(1).waitFor();
await page.getByText("It rests.").waitFor();
await shoot("agents");

await open("/settings");
await page.getByRole("searchbox", { name: "Find a setting" }).fill("kv");
await shoot("settings");
await browser.close();
