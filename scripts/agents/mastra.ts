/** An agent of Mastra's with one tool, whole and streamed: `node mastra.ts FOLDER PROMPT`, where FOLDER has @mastra/core. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What is used of Mastra here; the package itself is not a dependency of this project. */
interface MastraAgent {
  generate(prompt: string): Promise<{ readonly text: string }>;
  stream(prompt: string): Promise<{ readonly textStream: AsyncIterable<string> }>;
}
type New<Options, Made> = new (options: Options) => Made;

const [folder = ".", prompt = ""] = process.argv.slice(2);
const { SERVER_URL: url = "", SERVER_KEY: apiKey = "", SERVER_MODEL: model = "" } = process.env;
const packages = createRequire(join(folder, "package.json"));
const load = async (name: string): Promise<unknown> =>
  (await import(pathToFileURL(packages.resolve(name)).href)) as unknown;

const { Agent } = (await load("@mastra/core/agent")) as { Agent: New<object, MastraAgent> };
const { createTool } = (await load("@mastra/core/tools")) as { createTool: (options: object) => object };
const { z } = (await load("zod")) as {
  z: { object(shape: object): object; string(): object };
};

const agent = new Agent({
  name: "reader",
  instructions: "Be brief.",
  model: { id: `local/${model}`, url: `${url}/v1`, apiKey },
  tools: {
    read_text: createTool({
      id: "read_text",
      description: "Read a file.",
      inputSchema: z.object({ path: z.string() }),
      execute: async ({ context }: { context: { path: string } }) => ({
        text: await readFile(context.path, "utf8"),
      }),
    }),
  },
});
const { text } = await agent.generate(prompt);
console.log(`whole: ${text}`);
let streamed = "";
for await (const piece of (await agent.stream("Say hello.")).textStream) streamed += piece;
console.log(`streamed: ${streamed}`);
process.exit(0);
