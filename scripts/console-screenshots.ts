/** Makes the pictures of docs/console.md: the pages of the console, on a server of its own with the built-in model. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startConsole } from "../test/support/console.ts";

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

await using console_ = await startConsole();
const { page, server } = console_;
await page.setViewportSize({ width: 1200, height: 750 });
await mkdir(images, { recursive: true });
const shoot = (name: string) => page.screenshot({ path: join(images, `console-${name}.png`) });

async function upload(name: string, content: string, kind: string): Promise<void> {
  const path = join(server.directory, name);
  await writeFile(path, content);
  await console_.open("/data");
  await page.getByLabel(/Drop a file here/).setInputFiles(path);
  await page.getByLabel("Kind").selectOption(kind);
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByRole("heading", { name, level: 2 }).waitFor();
}

await console_.open("/");
await page.getByRole("textbox", { name: "Message", exact: true }).fill("Write a short story about a robot.");
await page.keyboard.press("Enter");
await page.getByRole("button", { name: "Details" }).click();
await shoot("chat");

await console_.open("/now");
await page.getByText("Serving, and idle.").waitFor();
for (const clients of [3, 6, 9]) {
  const asked = Array.from({ length: clients }, (_, n) =>
    server.post("/v1/chat", {
      prompt: `Write a short story about a robot, number ${n}.`,
      max_new_tokens: 120,
    }),
  );
  await Promise.all(asked);
}
await page.getByRole("region", { name: "Time by what it went to" }).waitFor();
await shoot("now");

await upload("harbour.md", notes, "rag_corpus");
await page.getByText(/^Indexed:/).waitFor();
await page.getByLabel("Ask these documents").fill("When does the ferry to Skarn leave?");
await page.keyboard.press("Enter");
await page.getByRole("article", { name: "Answer from the documents" }).waitFor();
await page.getByLabel("Ask these documents").scrollIntoViewIfNeeded();
await shoot("data");

await upload("questions.jsonl", set, "eval_set");
await page.getByRole("link", { name: "Evaluate the model by it" }).click();
await page.getByRole("checkbox", { name: "token f1" }).check();
await page.getByRole("button", { name: "Start" }).click();
await page.getByText(/^completed: 3 of 3 records/).waitFor({ timeout: 60_000 });
await page.getByRole("region", { name: "Means with intervals" }).waitFor();
await shoot("evaluations");
