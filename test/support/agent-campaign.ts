/**
 * Sessions of agents whose server is killed at random moments. The model is told what to say (`scripted-tokens.ts`); the
 * tools that count are an MCP server that is not killed, which remembers each effect.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { CHATML, chatmlCall, makeScriptedModels } from "./scripted-server.ts";
import { json, startServer, type TestServer } from "./server.ts";
import { SessionReader } from "./session-reader.ts";
import { startToolServer, type TestTool } from "./tool-server.ts";

export interface Campaign {
  readonly runs: number;
  readonly kills: number;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** `built-in`: the model that comes with the server, which is too small for tools and only talks. */
  readonly model?: "scripted" | "built-in";
  /** Longest time from when a life's runs are begun to its end. */
  readonly aliveMs: number;
  readonly log?: (line: string) => void;
}

export interface CampaignResult {
  readonly kills: number;
  readonly runs: number;
  readonly completed: number;
  /** Kills after which runs were still under way. */
  readonly killsAtWork: number;
  /** Events that readers were told of, each once and in order. */
  readonly events: number;
  /** Writes that took effect. */
  readonly effects: number;
  /** Calls that were interrupted, of which the person here decided. */
  readonly interrupted: number;
}

interface Approval {
  readonly id: string;
  readonly session_id: string;
  readonly reason: string;
}
interface Item {
  readonly type: string;
  readonly call_id?: string;
  readonly status: string;
  readonly output?: string | null;
  readonly error?: string | null;
}

/** Looks, counts, and looks again; each result leads to the next call. */
const answers = [
  { when: [], rest: "Nothing." },
  { when: ["Count"], rest: chatmlCall("counters__look", { n: 1 }) },
  { when: ["Count", "looked 1"], rest: chatmlCall("counters__count", { n: 1 }) },
  { when: ["Count", "counted 1"], rest: chatmlCall("counters__look", { n: 2 }) },
  { when: ["Count", "looked 2"], rest: chatmlCall("counters__count", { n: 2 }) },
  { when: ["Count", "counted 2"], rest: "It is done." },
  { when: ["Count", "is unknown"], rest: "I can't say what became of it." },
];

/** The built-in model ends by itself: the last answer of a turn that reaches its limit may have 1,024 tokens more. */
const shortStory = {
  type: "object",
  properties: { story: { type: "string", minLength: 200, maxLength: 300 } },
  required: ["story"],
  additionalProperties: false,
};

const tool = (name: string, past: string, readOnly: boolean): TestTool => ({
  name,
  description: `It ${name}s.`,
  properties: { n: { type: "integer" } },
  readOnly,
  answerAfterMs: 30,
  run: ({ n }) => `${past} ${String(n)}`,
});

export async function runCampaign({
  runs,
  kills,
  random,
  aliveMs,
  model = "scripted",
  log = () => {},
}: Campaign): Promise<CampaignResult> {
  const directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  await using models = await makeScriptedModels({ scripted: { template: CHATML, answers } });
  await using counters = await startToolServer([
    tool("look", "looked", true),
    tool("count", "counted", false),
  ]);
  const file = join(directory, "servers.json");
  const entry = { url: counters.url, trust_annotations: true, require_approval: "never" };
  await writeFile(file, JSON.stringify({ mcpServers: { counters: entry } }));
  const env = { DATA_DIR: join(directory, "data"), MCP_SERVERS_FILE: file, MAX_SEQUENCES: "4" };
  const start = () => (model === "scripted" ? models.start(env) : startServer({ env }));
  let server: TestServer = await start();
  const read = async <T>(path: string) => json<T>(server.get(path));
  const statusOf = async (id: string) => (await read<{ status: string }>(`/v1/agents/sessions/${id}`)).status;
  const ids: string[] = [];
  const left = new Set<string>();
  const readers: SessionReader[] = [];
  const approvedAgain = new Map<string, number>();
  let interrupted = 0;
  let killsAtWork = 0;
  /** Runs of which some begin in each life of the server, so that there is work for each kill to meet. */
  const begin = async (count: number) => {
    const begun = ids.length;
    for (let run = begun; run < begun + count; run++) {
      const response = await server.post("/v1/agents/sessions", {
        environment: { type: "none" },
        agent:
          model === "scripted"
            ? { model, tools: [{ type: "mcp", server_label: "counters" }] }
            : { text: { format: { type: "json_schema", schema: shortStory } } },
        input: `Count, run ${run}`,
      });
      ids.push((await json<{ id: string }>(response)).id);
    }
    for (const id of ids.slice(begun)) left.add(id);
    const [first] = ids.slice(begun);
    if (first !== undefined) readers.push(new SessionReader(first));
  };
  const decide = async () => {
    const pending = await read<{ data: readonly Approval[] }>(
      "/v1/agents/approvals?status=pending&limit=100",
    );
    for (const { id, session_id: session, reason } of pending.data) {
      assert.equal(reason, "interrupted");
      interrupted++;
      const isAgain = random() < 0.5;
      if (isAgain) approvedAgain.set(session, (approvedAgain.get(session) ?? 0) + 1);
      const { status } = await server.post(`/v1/agents/approvals/${id}`, {
        decision: isAgain ? "approve" : "deny",
      });
      assert.equal(status, 200);
    }
  };
  const look = async () => {
    for (const id of left) {
      const status = await statusOf(id);
      assert.notEqual(status, "failed");
      if (status === "idle") left.delete(id);
    }
  };
  try {
    for (let kill = 0; kill < kills; kill++) {
      await begin(Math.ceil(((kill + 1) * runs) / kills) - ids.length);
      const reading = readers.map((reader) => reader.read(server));
      await pause(random() * aliveMs);
      const exited = once(server.process, "exit");
      server.process.kill("SIGKILL");
      await exited;
      await Promise.all(reading);
      server = await start();
      await decide();
      await look();
      if (left.size > 0) killsAtWork++;
      log(
        `kill ${kill + 1} of ${kills}: ${ids.length} runs, ${left.size} under way, ${counters.effects.length} calls so far`,
      );
    }
    while (left.size > 0) {
      await look();
      await decide();
      await pause(50);
    }
    for (const reader of readers) await reader.finish(server);
    let completed = 0;
    for (const id of ids) {
      const turns = await read<{ data: ReadonlyArray<{ status: string }> }>(
        `/v1/agents/sessions/${id}/turns`,
      );
      assert.deepEqual(
        turns.data.map(({ status }) => status),
        ["completed"],
      );
      completed++;
      const { data } = await read<{ data: readonly Item[] }>(
        `/v1/agents/sessions/${id}/items?order=asc&limit=100`,
      );
      const calls = data.filter(({ type }) => type === "mcp_call");
      // Each call has one outcome, and each write that was made took effect once for each time that it was let run.
      assert.ok(calls.every(({ status }) => status === "completed" || status === "failed"));
      const own = new Set(calls.map((call) => call.call_id));
      const writes = counters.effects.filter(
        (effect) => effect.tool === "count" && own.has(String(effect.callId)),
      );
      const distinct = new Set(writes.map(({ callId }) => callId)).size;
      assert.ok(
        writes.length <= distinct + (approvedAgain.get(id) ?? 0),
        `${id}: ${writes.length} effects of ${distinct} calls, ${approvedAgain.get(id) ?? 0} run again`,
      );
      for (const call of calls)
        if (call.status === "completed")
          assert.ok(
            counters.effects.some(({ callId }) => callId === call.call_id),
            "a result without an effect",
          );
    }
    const effects = counters.effects.filter((effect) => effect.tool === "count").length;
    const events = readers.reduce((sum, reader) => sum + reader.events, 0);
    return { kills, killsAtWork, runs, completed, events, effects, interrupted };
  } finally {
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
}
