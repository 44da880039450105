/**
 * `npm run bench:agents:scale -- [waiting] [running]`: what it costs a server that many sessions wait for a person while
 * others run, in its memory and in what an interactive chat takes. The model is one of random weights that is told what to
 * say. Sessions that run are of the tier `flex`, which is for work that nobody waits for.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { CHATML, chatmlCall, makeScriptedModels } from "../test/support/scripted-server.ts";
import { json, metric, until } from "../test/support/server.ts";
import { startToolServer } from "../test/support/tool-server.ts";

const [waiting = 1_000, running = 100] = process.argv.slice(2).map(Number);
const CHATS = 100;
const STEPS = 40;
const FIRST = 1_000;
const call = (n: number) => chatmlCall("calculator", { expression: `${FIRST} + ${n}` });
const answers = [
  { when: [], rest: "It is a fine day, and nothing is to be done. ".repeat(2) },
  { when: ["Write a letter"], rest: chatmlCall("post__send", { to: "Ann" }) },
  { when: ["Chain"], rest: call(1) },
  ...Array.from({ length: STEPS }, (_, index) => ({
    when: ["Chain", `<tool_response>\n${FIRST + index + 1}\n`],
    rest: index + 1 < STEPS ? call(index + 2) : "The chain is done.",
  })),
];

const directory = await mkdtemp(join(tmpdir(), "llm-server-scale-"));
await using models = await makeScriptedModels({ scripted: { template: CHATML, answers } });
await using post = await startToolServer([
  { name: "send", description: "Sends.", properties: { to: { type: "string" } }, run: () => "sent" },
]);
const file = join(directory, "servers.json");
await writeFile(file, JSON.stringify({ mcpServers: { post: { url: post.url } } }));
const env = { MCP_SERVERS_FILE: file, MAX_SEQUENCES: "4" };
await using server = await models.start(env);

async function begin(input: string, tool: object): Promise<string> {
  const body = {
    environment: { type: "none" },
    agent: { model: "scripted", tools: [tool], service_tier: "flex" },
  };
  const limits = { max_steps: 2 * STEPS };
  return (await json<{ id: string }>(server.post("/v1/agents/sessions", { ...body, input, limits }))).id;
}

/** Milliseconds of interactive chats, one after another. */
async function chats(): Promise<readonly number[]> {
  const times: number[] = [];
  for (let n = 0; n < CHATS; n++) {
    const startedAt = performance.now();
    const messages = [{ role: "user", content: `How are you, ${n}?` }];
    await json(server.post("/v1/chat/completions", { model: "scripted", messages }));
    times.push(performance.now() - startedAt);
  }
  return times;
}
const p95 = (times: readonly number[]) =>
  times.toSorted((a, b) => a - b)[Math.floor(0.95 * times.length)] ?? 0;
const mib = async () => Math.round((await metric(server, "process_resident_memory_bytes")) / 2 ** 20);
const pending = async () => {
  const { data } = await json<{ data: readonly unknown[] }>(
    server.get("/v1/agents/approvals?status=pending&limit=1"),
  );
  return data.length;
};

console.log(`${cpus()[0]?.model}, ${waiting} sessions wait, ${running} run`);
await chats();
const alone = p95(await chats());
console.log(`chat alone, p95: ${alone.toFixed(1)} ms; memory ${await mib()} MiB`);
const quarter = Math.ceil(waiting / 4);
for (let begun = 0; begun < waiting; begun += quarter) {
  const ids = await Promise.all(
    Array.from({ length: quarter }, () => begin("Write a letter", { type: "mcp", server_label: "post" })),
  );
  for (const id of ids)
    await until(async () => {
      const { status } = await json<{ status: string }>(server.get(`/v1/agents/sessions/${id}`));
      return status === "requires_action";
    });
  console.log(`${begun + quarter} sessions wait: memory ${await mib()} MiB`);
}
assert.equal(await pending(), 1);
const idle = p95(await chats());
console.log(`chat while they wait, p95: ${idle.toFixed(1)} ms, ${(idle / alone).toFixed(2)} times as long`);
const ids = await Promise.all(
  Array.from({ length: running }, (_, n) => begin(`Chain ${n}`, { type: "calculator" })),
);
const busy = p95(await chats());
const { data } = await json<{ data: ReadonlyArray<{ id: string; status: string }> }>(
  server.get("/v1/agents/sessions?limit=100"),
);
const still = data.filter(({ id, status }) => ids.includes(id) && status === "in_progress").length;
console.log(
  `chat while ${running} run, p95: ${busy.toFixed(1)} ms, ${(busy / alone).toFixed(2)} times as long`,
);
console.log(`${still} of them still ran at the end; memory ${await mib()} MiB`);
await rm(directory, { recursive: true, force: true });
