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
import { json, KEY, startServer, type TestServer } from "./server.ts";
import { startToolServer, type TestTool } from "./tool-server.ts";

export interface Campaign {
  readonly runs: number;
  readonly kills: number;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** `built-in`: the model that comes with the server, which is too small for tools and only talks. */
  readonly model?: "scripted" | "built-in";
  /** Longest time from a start to the kill. */
  readonly aliveMs: number;
  readonly log?: (line: string) => void;
}

export interface CampaignResult {
  readonly kills: number;
  readonly runs: number;
  readonly completed: number;
  readonly effects: number;
  /** Calls that were interrupted, of which the person here decided. */
  readonly interrupted: number;
}

interface Session {
  readonly id: string;
  readonly status: string;
  readonly required_actions: ReadonlyArray<{
    readonly request_id: string;
    readonly request: { readonly reason: string; readonly name: string };
  }>;
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
  let interrupted = 0;
  const approvedAgain = new Map<string, number>();
  try {
    const ids: string[] = [];
    for (let run = 0; run < runs; run++) {
      const response = await server.post("/v1/agents/sessions", {
        environment: { type: "none" },
        agent:
          model === "scripted"
            ? { model, tools: [{ type: "mcp", server_label: "counters" }] }
            : { tools: [] },
        ...(model === "built-in" && { limits: { max_output_tokens: 200 } }),
        input: `Count, run ${run}`,
      });
      ids.push((await json<Session>(response)).id);
    }
    const reader = new Reader(ids[0] ?? "");
    for (let kill = 0; kill < kills; kill++) {
      const reading = reader.read(server);
      await pause(random() * aliveMs);
      const exited = once(server.process, "exit");
      server.process.kill("SIGKILL");
      await exited;
      await reading;
      server = await start();
      log(`kill ${kill + 1} of ${kills}, ${counters.effects.length} effects`);
      for (const id of ids) {
        const session = await read<Session>(`/v1/agents/sessions/${id}`);
        for (const action of session.required_actions) {
          assert.equal(action.request.reason, "interrupted");
          interrupted++;
          const isAgain = random() < 0.5;
          if (isAgain) approvedAgain.set(id, (approvedAgain.get(id) ?? 0) + 1);
          const { status } = await server.post(`/v1/agents/approvals/${action.request_id}`, {
            decision: isAgain ? "approve" : "deny",
          });
          assert.equal(status, 200);
        }
      }
    }
    const left = new Set(ids);
    while (left.size > 0) {
      for (const id of left) {
        const { status } = await read<Session>(`/v1/agents/sessions/${id}`);
        if (status === "idle") left.delete(id);
        assert.notEqual(status, "failed");
      }
      await pause(50);
    }
    await reader.finish(server);
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
    return { kills, runs, completed, effects, interrupted };
  } finally {
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Follows a session across the server's deaths, as a client with `Last-Event-ID` does. */
class Reader {
  readonly #id: string;
  #last = -1;
  readonly #items = new Map<string, "added" | "done">();
  #isIdle = false;

  constructor(id: string) {
    this.#id = id;
  }

  /** Reads until the connection ends. */
  async read(server: TestServer): Promise<void> {
    try {
      for await (const { id, event } of numbered(await this.#follow(server))) this.#take(id, event);
    } catch (error) {
      // The server died in the middle: that is what this is about. A failed check is another thing.
      if (error instanceof assert.AssertionError) throw error;
    }
  }

  async finish(server: TestServer): Promise<void> {
    if (this.#isIdle) return;
    for await (const { id, event } of numbered(await this.#follow(server))) {
      this.#take(id, event);
      if (this.#isIdle) break;
    }
    assert.ok(
      [...this.#items.values()].every((state) => state === "done"),
      "an item was never ended",
    );
  }

  #follow(server: TestServer): Promise<Response> {
    return fetch(`${server.url}/v1/agents/sessions/${this.#id}/events?from=start`, {
      headers: { ...KEY, ...(this.#last >= 0 && { "last-event-id": String(this.#last) }) },
    });
  }

  #take(number: number, event: { type: string; item?: { id: string }; output_index?: number | null }): void {
    assert.equal(number, this.#last + 1, "an event is missing, or came twice");
    this.#last = number;
    this.#isIdle = event.type === "agent.session.idle";
    if (event.item === undefined || event.output_index === null) return;
    const before = this.#items.get(event.item.id);
    if (event.type.endsWith("item.added")) {
      assert.equal(before, undefined);
      this.#items.set(event.item.id, "added");
    } else {
      assert.equal(before, "added");
      this.#items.set(event.item.id, "done");
    }
  }
}

async function* numbered(response: Response) {
  let buffered = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    buffered += chunk;
    const blocks = buffered.split("\n\n");
    buffered = blocks.pop() ?? "";
    for (const block of blocks) {
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (id !== undefined && data !== undefined) yield { id: Number(id), event: JSON.parse(data) };
    }
  }
}
