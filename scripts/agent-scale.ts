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

interface Chats {
  readonly p95Ms: number;
  /** Means, of what the server's account of each chat says. */
  readonly partsMs: ReadonlyMap<string, number>;
}

/** Interactive chats, one after another. */
async function chats(): Promise<Chats> {
  const times: number[] = [];
  const partsMs = new Map<string, number>();
  for (let n = 0; n < CHATS; n++) {
    const startedAt = performance.now();
    const messages = [{ role: "user", content: `How are you, ${n}?` }];
    const body = { model: "scripted", messages, include: ["account"] };
    const { account } = await json<{ account: { parts_ms: Readonly<Record<string, number>> } }>(
      server.post("/v1/chat/completions", body),
    );
    times.push(performance.now() - startedAt);
    for (const [part, ms] of Object.entries(account.parts_ms))
      partsMs.set(part, (partsMs.get(part) ?? 0) + ms / CHATS);
  }
  times.sort((a, b) => a - b);
  return { p95Ms: times[Math.floor(0.95 * CHATS)] ?? 0, partsMs };
}
/** How much longer chats take than alone, and what of them does. */
function tell(what: string, { p95Ms, partsMs }: Chats, alone: Chats): void {
  console.log(`${what}, p95: ${p95Ms.toFixed(1)} ms, ${(p95Ms / alone.p95Ms).toFixed(2)} times as long`);
  const longer = [...partsMs]
    .map(([part, ms]) => ({ part, ms: ms - (alone.partsMs.get(part) ?? 0) }))
    .filter(({ ms }) => ms >= 0.5)
    .toSorted((a, b) => b.ms - a.ms);
  console.log(
    `  longer by, on average: ${longer.map(({ part, ms }) => `${part} ${ms.toFixed(1)} ms`).join(", ")}`,
  );
}
const mib = async () => Math.round((await metric(server, "process_resident_memory_bytes")) / 2 ** 20);
const pending = async () => {
  const { data } = await json<{ data: readonly unknown[] }>(
    server.get("/v1/agents/approvals?status=pending&limit=1"),
  );
  return data.length;
};

console.log(`${cpus()[0]?.model}, ${waiting} sessions wait, ${running} run`);
await chats();
const alone = await chats();
console.log(`chat alone, p95: ${alone.p95Ms.toFixed(1)} ms; memory ${await mib()} MiB`);
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
tell("chat while they wait", await chats(), alone);
const ids = await Promise.all(
  Array.from({ length: running }, (_, n) => begin(`Chain ${n}`, { type: "calculator" })),
);
tell(`chat while ${running} run`, await chats(), alone);
const { data } = await json<{ data: ReadonlyArray<{ id: string; status: string }> }>(
  server.get("/v1/agents/sessions?limit=100"),
);
const still = data.filter(({ id, status }) => ids.includes(id) && status === "in_progress").length;
console.log(`${still} of them still ran at the end; memory ${await mib()} MiB`);
await rm(directory, { recursive: true, force: true });
