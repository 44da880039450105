/**
 * The model is a fake of random weights that is told what to say (`scripted-tokens.ts`): models small enough for tests
 * can't drive a loop by themselves. All else is real: prompts, grammars, the store, OpenAI's own client.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import OpenAI from "openai";
import type { AgentSession, AgentSessionEvent } from "openai/resources/beta/agents/agents";
import {
  CHATML,
  chatmlCall,
  makeScriptedModels,
  type ScriptedModels,
} from "../../support/scripted-server.ts";
import { json, KEY, readEvents, type TestServer, until } from "../../support/server.ts";

const weather = {
  type: "function" as const,
  name: "get_weather",
  description: "Tells the weather of a city.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};
const environment = { type: "none" as const };

const answers = [
  { when: [], rest: "I am well." },
  { when: ["Weather in Paris"], rest: `Let me look.\n${chatmlCall("get_weather", { city: "Paris" })}` },
  { when: ["Weather in Paris", "sunny"], rest: "It is sunny in Paris." },
  { when: ["What is 6 times 7"], rest: chatmlCall("calculator", { expression: "6 * 7" }) },
  { when: ["What is 6 times 7", "<tool_response>\n42"], rest: "It is 42." },
  { when: ["Run it"], rest: chatmlCall("run_javascript", { code: "'long '.repeat(5000)" }) },
  { when: ["Run it", "characters left out"], rest: "That was long." },
  { when: ["Never stop"], rest: chatmlCall("calculator", { expression: "1 + 1" }) },
  { when: ["Never stop", "Answer now with what you know"], rest: "I know that it is 2." },
  { when: ["Tides at Hull"], rest: chatmlCall("tool_search", { query: "tide tables" }) },
  { when: ["Tides at Hull", "get_tides: Tells"], rest: chatmlCall("get_tides", { city: "Hull" }) },
  { when: ["Tides at Hull", "high at six"], rest: "High at six." },
  { when: ["Talk on"], rest: "One two three four five six seven eight nine ten. ".repeat(30) },
  { when: ["Talk on", "Answer now with what you know"], rest: "That is all." },
];

let directory: string;
let models: ScriptedModels;
let server: TestServer;
let client: OpenAI;

const SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw==";

/** The operator's program, which refuses the first event that it is sent. */
const hooks = { url: "", received: [] as Array<{ readonly body: string; readonly headers: Headers }> };
const program = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = new Headers(request.headers as Record<string, string>);
  hooks.received.push({ body: Buffer.concat(chunks).toString(), headers });
  response.writeHead(hooks.received.length === 1 ? 503 : 204).end();
});

async function start(): Promise<void> {
  server = await models.start({ DATA_DIR: directory, WEBHOOK_URL: hooks.url, WEBHOOK_SECRET: SECRET });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
}
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  program.listen(0, "127.0.0.1");
  await once(program, "listening");
  hooks.url = `http://127.0.0.1:${(program.address() as AddressInfo).port}/hook`;
  models = await makeScriptedModels({ scripted: { template: CHATML, answers } });
  await start();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
  program.closeAllConnections();
  program.close();
});

const agents = () => client.beta.agents;

/** What a body may say beyond OpenAI's types. */
async function create(body: object): Promise<AgentSession> {
  const response = await server.post("/v1/agents/sessions", { environment, ...body });
  assert.equal(response.status, 200, await response.clone().text());
  return json<AgentSession>(response);
}

async function rested(id: string): Promise<AgentSession> {
  let session = await agents().sessions.retrieve(id);
  await until(async () => {
    session = await agents().sessions.retrieve(id);
    return session.status !== "in_progress";
  });
  return session;
}

/** Every event of a session so far, by the numbers that they are sent with. */
async function eventsOf(id: string, count: number): Promise<AgentSessionEvent[]> {
  const response = await server.get(`/v1/agents/sessions/${id}/events?from=start`);
  const events: AgentSessionEvent[] = [];
  for await (const text of readEvents(response)) {
    events.push(JSON.parse(text) as AgentSessionEvent);
    if (events.length === count) break;
  }
  return events;
}

const textOf = (item: { content?: unknown } | undefined) =>
  (item?.content as Array<{ text?: string }> | undefined)?.[0]?.text;

test("OpenAI's client runs a session with a function of its own to the end", async () => {
  const session = await agents().sessions.create({
    environment,
    agent: { model: "scripted", instructions: "Be brief.", tools: [weather] },
  });
  assert.equal(session.status, "idle");
  const cities: unknown[] = [];
  const stream = agents().sessions.stream(session.id, {
    input: "Weather in Paris",
    toolHandlers: {
      get_weather: ({ city }) => {
        cities.push(city);
        return "sunny, 21 degrees";
      },
    },
  });
  const { text, turn } = await stream.finalResult().then((result) => ({
    text: result.messages.map((message) => message.content[0]?.text).join(""),
    turn: result.turn,
  }));
  assert.deepEqual(cities, ["Paris"]);
  assert.equal(text, "It is sunny in Paris.");
  assert.equal(turn.status, "completed");
  const items = await agents().sessions.items.list(session.id, { order: "asc" });
  assert.deepEqual(
    items.data.map(({ type }) => type),
    ["message", "message", "function_call", "function_call_output", "message"],
  );
  assert.equal(textOf(items.data[1] as { content?: unknown }), "Let me look.");
});

test("tools that are deferred stay out of the prompt until the model has searched for them", async () => {
  const named = (name: string, description: string) => ({
    ...weather,
    name,
    description,
    defer_loading: true,
  });
  const tools = [
    { type: "tool_search" as const },
    ...Array.from({ length: 40 }, (_, n) => named(`send_form_${n}`, `Sends the form ${n} to an office.`)),
    named("get_tides", "Tells the tides of a city."),
  ];
  const begun = await agents().sessions.create({
    environment,
    agent: { model: "scripted", tools },
    input: "Tides at Hull",
  });
  assert.deepEqual(begun.agent.tools[1], { ...tools[1], defer_loading: true });
  const [action] = (await rested(begun.id)).required_actions;
  assert.ok(action?.type === "function_call" && action.name === "get_tides", JSON.stringify(action));
  await server.post(`/v1/agents/sessions/${begun.id}/events`, {
    events: [
      {
        type: "agent.session.input.tool_result",
        call_id: action.call_id,
        success: true,
        output: [{ type: "input_text", text: "high at six" }],
      },
    ],
  });
  assert.equal((await rested(begun.id)).status, "idle");
  const { data: items } = await agents().sessions.items.list(begun.id, { order: "asc" });
  assert.equal(textOf(items.at(-1) as { content?: unknown }), "High at six.");
  const [turn] = (await agents().sessions.turns.list(begun.id)).data;
  const { data: steps } = await json<{
    data: ReadonlyArray<{ type: string; usage?: { input_tokens: number } }>;
  }>(server.get(`/v1/agents/sessions/${begun.id}/turns/${turn?.id}/steps?order=asc`));
  const prompts = steps.flatMap(({ usage }) => usage?.input_tokens ?? []);
  // The model reads about a token for each character here: 40 tools would be thousands.
  assert.equal(prompts.length, 3);
  assert.ok(Math.max(...prompts) < 2500, prompts.join());
});

test("a session that begins with input is streamed from its first event, and again from the store", async () => {
  const live: AgentSessionEvent[] = [];
  const stream = await agents().sessions.create({
    environment,
    agent: { model: "scripted" },
    input: "How are you?",
    stream: true,
  });
  for await (const event of stream) live.push(event);
  const [first] = live;
  assert.equal(first?.type, "agent.session.created");
  assert.equal(live.at(-1)?.type, "agent.session.idle");
  const id = first?.type === "agent.session.created" ? first.session.id : "";
  const again = await eventsOf(id, live.length);
  assert.deepEqual(
    again.map(({ event_id }) => event_id),
    live.map((_, index) => `evt_${id.slice(id.indexOf("_") + 1)}_${index}`),
  );
  assert.deepEqual(again, live);
  // From the middle, by the id that a browser sends again.
  const rest = await fetch(`${server.url}/v1/agents/sessions/${id}/events`, {
    headers: { ...KEY, "last-event-id": "3" },
  });
  for await (const text of readEvents(rest)) {
    assert.deepEqual(JSON.parse(text), live[4]);
    break;
  }
});

test("a tool that runs here and only reads needs nobody; one that asks waits, and is run once when it is approved", async () => {
  const tools = [{ type: "calculator" }];
  const free = await create({ agent: { model: "scripted", tools }, input: "What is 6 times 7?" });
  assert.equal((await rested(free.id)).status, "idle");
  const asking = await create({
    agent: { model: "scripted", tools },
    input: "What is 6 times 7?",
    approval: { tools: { calculator: "always" } },
  });
  const waiting = await rested(asking.id);
  assert.equal(waiting.status, "requires_action");
  const [action] = waiting.required_actions;
  assert.ok(action?.type === "mcp_approval_request");
  assert.deepEqual(action.request.arguments, { expression: "6 * 7" });
  type Approvals = { readonly data: ReadonlyArray<{ readonly id: string; readonly session_id: string }> };
  const inbox = await json<Approvals>(server.get("/v1/agents/approvals?status=pending"));
  assert.deepEqual(
    inbox.data.map(({ id, session_id }) => [id, session_id]),
    [[action.request_id, asking.id]],
  );
  const decide = (decision: string) => server.post(`/v1/agents/approvals/${action.request_id}`, { decision });
  assert.equal((await json<{ status: string }>(decide("approve"))).status, "approved");
  assert.equal((await decide("deny")).status, 409);
  assert.equal((await rested(asking.id)).status, "idle");
  const { data } = await agents().sessions.items.list(asking.id, { order: "asc" });
  const call = data.find(({ type }) => type === "mcp_call");
  assert.ok(call?.type === "mcp_call");
  assert.deepEqual([call.server_label, call.output, call.status], ["llm-server", "42", "completed"]);
  assert.equal(textOf(data.at(-1) as { content?: unknown }), "It is 42.");
});

test("a limit ends a turn in a last answer, and repetition is one", async () => {
  const tools = [{ type: "calculator" }];
  const turnsOf = async (limits: object) => {
    const { id } = await create({ agent: { model: "scripted", tools }, input: "Never stop", limits });
    assert.equal((await rested(id)).status, "idle");
    const { data } = await agents().sessions.items.list(id, { limit: 1 });
    assert.equal(textOf(data[0] as { content?: unknown }), "I know that it is 2.");
    const [turn] = (await agents().sessions.turns.list(id)).data;
    return turn as unknown as Record<string, unknown>;
  };
  const steps = await turnsOf({ max_steps: 2 });
  assert.deepEqual([steps["steps"], steps["tool_calls"], steps["status"]], [3, 2, "completed"]);
  assert.deepEqual(steps["incomplete_details"], { reason: "max_steps" });
  const calls = await turnsOf({ max_tool_calls: 1 });
  assert.deepEqual(calls["incomplete_details"], { reason: "max_tool_calls" });
  const repeated = await turnsOf({});
  assert.deepEqual(repeated["incomplete_details"], { reason: "repetition" });
  assert.equal(repeated["tool_calls"], 5);
});

test("a limit on tokens is kept to the token", async () => {
  const { id } = await create({
    agent: { model: "scripted" },
    input: "Talk on",
    limits: { max_output_tokens: 20 },
  });
  await rested(id);
  const { data } = await agents().sessions.items.list(id, { order: "asc" });
  const [turn] = (await agents().sessions.turns.list(id)).data;
  assert.deepEqual((turn as unknown as Record<string, unknown>)["incomplete_details"], {
    reason: "max_output_tokens",
  });
  const count = async (text: string | undefined) =>
    (await json<{ count: number }>(server.post("/v1/tokenize", { content: text }))).count;
  const [, cut, , last] = data.map((item) => textOf(item as { content?: unknown }));
  assert.equal(await count(cut), 20);
  assert.equal(last, "That is all.");
  assert.equal(turn?.usage?.output_tokens, 20 + (await count(last)));
});

test("what is put in twice with one key counts once, and another body with it is refused", async () => {
  const { id } = await create({ agent: { model: "scripted", tools: [weather] }, input: "Weather in Paris" });
  const waiting = await rested(id);
  const [action] = waiting.required_actions;
  assert.ok(action?.type === "function_call");
  const result = (output: string) => ({
    events: [
      {
        type: "agent.session.input.tool_result",
        turn_id: action.turn_id,
        call_id: action.call_id,
        success: true,
        output,
      },
    ],
  });
  const put = (output: string) =>
    server.post(`/v1/agents/sessions/${id}/events`, result(output), { ...KEY, "idempotency-key": "one" });
  assert.equal((await put("sunny")).status, 202);
  assert.equal((await put("sunny")).status, 202);
  assert.equal((await put("rain")).status, 409);
  // Without a key, too: a call has one outcome.
  assert.equal((await server.post(`/v1/agents/sessions/${id}/events`, result("rain"))).status, 202);
  assert.equal((await rested(id)).status, "idle");
  const { data } = await agents().sessions.items.list(id, { order: "asc" });
  assert.deepEqual(
    data.flatMap((item) => (item.type === "function_call_output" ? [item.output] : [])),
    ["sunny"],
  );
});

test("a session that waits is there after a restart, can be cancelled, forked and deleted", async () => {
  const { id } = await create({ agent: { model: "scripted", tools: [weather] }, input: "Weather in Paris" });
  await rested(id);
  await server.stop();
  await start();
  assert.equal((await agents().sessions.retrieve(id)).status, "requires_action");
  await agents().sessions.events.create(id, { events: [{ type: "agent.session.input.cancel" }] });
  assert.equal((await rested(id)).status, "idle");
  const [turn] = (await agents().sessions.turns.list(id)).data;
  assert.equal(turn?.status, "cancelled");
  const forked = await json<AgentSession>(server.post(`/v1/agents/sessions/${id}/fork`, {}));
  await agents().sessions.events.create(forked.id, {
    events: [
      {
        type: "agent.session.input.message",
        input: [{ role: "user", content: [{ type: "input_text", text: "It is sunny, they say." }] }],
      },
    ],
  });
  await rested(forked.id);
  const { data } = await agents().sessions.items.list(forked.id, { limit: 1 });
  assert.equal(textOf(data[0] as { content?: unknown }), "It is sunny in Paris.");
  await agents().sessions.delete(id);
  await assert.rejects(agents().sessions.retrieve(id), OpenAI.NotFoundError);
});

test("agents are kept, changed, listed and begun sessions with", async () => {
  const agent = await agents().create({ model: "scripted", name: "helper", instructions: "Be brief." });
  const changed = await agents().update(agent.id, { instructions: "Be long." });
  assert.deepEqual([changed.name, changed.instructions], ["helper", "Be long."]);
  const { data } = await agents().list();
  assert.ok(data.some(({ id }) => id === agent.id));
  const session = await agents().sessions.create({ environment, agent_id: agent.id });
  assert.equal(session.agent.instructions, "Be long.");
  await agents().delete(agent.id);
  await assert.rejects(agents().retrieve(agent.id), OpenAI.NotFoundError);
});

test("an output that is too long is cut for the model, and kept whole", async () => {
  const { id } = await create({
    agent: { model: "scripted", tools: [{ type: "code_interpreter" }] },
    input: "Run it",
    limits: { max_tool_output_tokens: 100 },
  });
  assert.equal((await rested(id)).status, "idle");
  const { data } = await agents().sessions.items.list(id, { order: "asc" });
  const call = data.find(({ type }) => type === "mcp_call") as unknown as Record<string, string>;
  assert.ok((call["output"] ?? "").length < 2_000);
  assert.equal(textOf(data.at(-1) as { content?: unknown }), "That was long.");
  const path = `/v1/agents/sessions/${id}/outputs/${call["call_id"]}?offset=24990`;
  const kept = await json<{ text: string; length: number }>(server.get(path));
  const forked = await json<AgentSession>(server.post(`/v1/agents/sessions/${id}/fork`, {}));
  const copied = await json<{ text: string; length: number }>(server.get(path.replace(id, forked.id)));
  assert.deepEqual([copied.text, copied.length], [kept.text, kept.length]);
  assert.equal(kept.length, 25_000);
  assert.equal(kept.text, "long long ");
});

test("the operator's program is told, with signatures that OpenAI's client checks, and again where it refused", async () => {
  const [first] = hooks.received;
  assert.equal(first?.headers.get("webhook-id"), JSON.parse(first?.body ?? "").id);
  const sendings = () =>
    hooks.received.filter(({ headers }) => headers.get("webhook-id") === first?.headers.get("webhook-id"));
  await until(() => sendings().length === 2);
  const types = new Set<string>();
  for (const { body, headers } of hooks.received)
    types.add((await client.webhooks.unwrap(body, headers, SECRET)).type);
  for (const type of ["created", "in_progress", "action_required", "idle"])
    assert.ok(types.has(`agent.session.${type}`), type);
  await assert.rejects(client.webhooks.unwrap(first?.body ?? "", first?.headers ?? {}, "whsec_b3RoZXI="));
});

test("every curl line of docs/agents.md runs", async () => {
  const text = readFileSync(new URL("../../../docs/agents.md", import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1] ?? "");
  const commands = blocks
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .filter((line) => line !== "");
  assert.ok(commands.length >= 4);
  for (const command of commands) {
    const local = command
      .replace("localhost:8000", new URL(server.url).host)
      .replace("curl ", "curl -sS --fail-with-body ");
    const { stdout } = await promisify(execFile)("bash", ["-c", local]);
    assert.equal(typeof JSON.parse(stdout).request_id, "string", stdout);
  }
});

test("what this server can't do is refused by name", async () => {
  const refused = async (body: object) => {
    const response = await server.post("/v1/agents/sessions", { environment, agent: {}, ...body });
    assert.equal(response.status, 400);
    return (await json<{ error: { param: string } }>(response)).error.param;
  };
  assert.equal(await refused({ environment: { type: "openai_hosted" } }), "environment.type");
  assert.equal(await refused({ spend_control: { limit: 5 } }), "spend_control.limit");
  assert.equal(await refused({ agent: { tools: [{ type: "computer_use" }] } }), "agent.tools[0].type");
  assert.equal(await refused({ agent: { multi_agent: { enabled: true } } }), "agent.multi_agent.enabled");
  assert.equal(await refused({ agent_id: "agent_1" }), "agent");
});
