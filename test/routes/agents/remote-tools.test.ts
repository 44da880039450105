/**
 * MCP servers' tools in the answers of the other APIs, through clients as they are. What the servers and the model are:
 * `test/support/tool-workplace.ts`.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { Agent, hostedMcpTool, Runner, RunState, setTracingDisabled } from "@openai/agents-core";
import { OpenAIProvider } from "@openai/agents-openai";
import { tool as aiTool, type ModelMessage, ToolLoopAgent } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { json, type TestServer } from "../../support/server.ts";
import type { ToolServer } from "../../support/tool-server.ts";
import { startToolWorkplace, type ToolWorkplace } from "../../support/tool-workplace.ts";

let workplace: ToolWorkplace;
let server: TestServer;
let tools: ToolServer;
before(async () => {
  workplace = await startToolWorkplace();
  ({ server, tools } = workplace);
});
after(() => workplace[Symbol.asyncDispose]());

const remote = { type: "mcp" as const, server_label: "wiki" };

test("/v1/responses: OpenAI's client has a server's tool run, after a person approved it", async () => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
  const sent = tools.effects.length;
  const asked = await client.responses.create({ model: "scripted", input: "Write to Ann", tools: [remote] });
  assert.deepEqual(
    asked.output.map(({ type }) => type),
    ["mcp_list_tools", "mcp_approval_request"],
  );
  assert.equal(tools.effects.length, sent);
  const request = asked.output[1];
  assert.ok(request?.type === "mcp_approval_request");
  assert.deepEqual([request.name, JSON.parse(request.arguments)], ["send", { to: "Ann" }]);
  const answer = (approve: boolean) =>
    client.responses.create({
      model: "scripted",
      previous_response_id: asked.id,
      input: [{ type: "mcp_approval_response", approval_request_id: request.id, approve }],
      tools: [remote],
    });
  const denied = await answer(false);
  assert.equal(denied.output_text, "Not sent.");
  assert.equal(tools.effects.length, sent);
  const approved = await answer(true);
  assert.deepEqual(
    approved.output.map(({ type }) => type),
    ["mcp_call", "message"],
  );
  assert.equal(approved.output_text, "Sent.");
  assert.equal(tools.effects.length, sent + 1);
  // What follows does not run it again.
  const later = await client.responses.create({
    model: "scripted",
    previous_response_id: approved.id,
    input: "Thank you",
    tools: [remote],
  });
  assert.equal(later.output_text, "Sent.");
  assert.equal(tools.effects.length, sent + 1);
});

test("/v1/responses: calls that need nobody are run as they come, up to max_tool_calls", async () => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
  const free = { ...remote, require_approval: "never" as const };
  const stream = await client.responses.create({
    model: "scripted",
    input: "What is a yew?",
    tools: [free],
    stream: true,
  });
  const types: string[] = [];
  let text = "";
  let numbers = 0;
  for await (const event of stream) {
    assert.equal(event.sequence_number, numbers++);
    types.push(event.type);
    if (event.type === "response.completed") text = event.response.output_text || text;
    if (event.type === "response.output_text.done") text = event.text;
  }
  assert.equal(text, "A tree.");
  for (const type of [
    "response.mcp_list_tools.completed",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
  ])
    assert.ok(types.includes(type), type);
  const limited = await client.responses.create({
    model: "scripted",
    input: "Again and again",
    tools: [free],
    max_tool_calls: 2,
  });
  const calls = limited.output.filter(({ type }) => type === "mcp_call");
  assert.equal(calls.length, 2);
  assert.equal(limited.output_text, "Enough.");
  assert.equal(limited.usage?.output_tokens_details.reasoning_tokens, 0);
});

test("/v1/responses: what would be another server's is refused, and a write in the background too", async () => {
  const refused = async (body: object) => {
    const response = await server.post("/v1/responses", { model: "scripted", input: "x", ...body });
    return [response.status, (await json<{ error: { param: string } }>(response)).error.param];
  };
  const refusedWith = (more: object) => refused({ tools: [{ ...remote, ...more }] });
  assert.deepEqual(await refusedWith({ server_label: "nowhere" }), [404, "tools[0].server_label"]);
  assert.deepEqual(await refusedWith({ server_url: "http://127.0.0.1:1/" }), [400, "tools[0].server_url"]);
  assert.deepEqual(await refusedWith({ headers: { a: "b" } }), [400, "tools[0].headers"]);
  assert.deepEqual(await refused({ tools: [remote], background: true }), [400, "tools"]);
});

type Toolset = Anthropic.Beta.BetaMCPToolset;
const asking = (
  content: string,
  toolset: Partial<Toolset>,
  earlier: Anthropic.Beta.BetaMessageParam[] = [],
) => ({
  model: "scripted",
  max_tokens: 200,
  betas: ["mcp-client-2025-11-20"],
  mcp_servers: [{ type: "url" as const, name: "wiki", url: tools.url }],
  tools: [{ type: "mcp_toolset" as const, mcp_server_name: "wiki", ...toolset }],
  messages: [...earlier, { role: "user" as const, content }],
});

test("/v1/messages: Anthropic's client has servers' tools run, whole and streamed, and sends what they gave back", async () => {
  const client = new Anthropic({ baseURL: server.url, apiKey: "dev-local-key", maxRetries: 0 });
  const sent = tools.effects.length;
  const first = await client.beta.messages.create(asking("What is a yew?", {}));
  const kinds = ["mcp_tool_use", "mcp_tool_result", "text"];
  assert.deepEqual(
    first.content.map(({ type }) => type),
    kinds,
  );
  const [use, result, text] = first.content;
  assert.ok(use?.type === "mcp_tool_use" && result?.type === "mcp_tool_result" && text?.type === "text");
  assert.deepEqual([use.server_name, use.name, use.input], ["wiki", "look", { word: "yew" }]);
  assert.deepEqual([result.tool_use_id, result.is_error], [use.id, false]);
  assert.deepEqual([text.text, first.stop_reason], ["A tree.", "end_turn"]);
  // What may change something is there only where the request names it.
  assert.match(JSON.stringify(first), /send of wiki may change something/);

  const stream = client.beta.messages.stream(asking("What is a yew?", {}));
  const streamed = await stream.finalMessage();
  assert.deepEqual(
    streamed.content.map(({ type }) => type),
    kinds,
  );
  assert.deepEqual(streamed.content[0]?.type === "mcp_tool_use" && streamed.content[0].input, {
    word: "yew",
  });
  assert.deepEqual(streamed.content[2], text);
  assert.deepEqual(
    [streamed.stop_reason, streamed.usage.output_tokens],
    [first.stop_reason, first.usage.output_tokens],
  );

  const earlier = [
    { role: "user" as const, content: "What is a yew?" },
    { role: "assistant" as const, content: first.content as Anthropic.Beta.BetaContentBlockParam[] },
  ];
  const named = asking("Write to Ann", { configs: { send: { enabled: true } } }, earlier);
  const second = await client.beta.messages.create(named);
  assert.deepEqual(
    second.content.flatMap((block) => (block.type === "text" ? block.text : [])),
    ["Sent."],
  );
  assert.equal(tools.effects.slice(sent).filter(({ tool }) => tool === "send").length, 1);
});

test("/v1/messages: servers that the operator did not name are refused by the field", async () => {
  const refused = async (body: object) => {
    const response = await server.post("/v1/messages", { ...asking("x", {}), betas: undefined, ...body });
    const { error } = await json<{ error: { message: string } }>(response);
    return `${response.status} ${error.message}`;
  };
  const wiki = { type: "url", name: "wiki", url: tools.url };
  assert.match(
    await refused({ mcp_servers: [{ ...wiki, url: "http://127.0.0.1:1/" }] }),
    /^400 .*MCP_SERVERS_FILE/,
  );
  assert.match(
    await refused({ mcp_servers: [{ ...wiki, authorization_token: "t" }] }),
    /^400 .*authorization_token/,
  );
  assert.match(await refused({ mcp_servers: [] }), /^400 .*mcp_server_name/);
});

test("@openai/agents: a run is streamed, waits for a person, and continues from its state's text", async () => {
  setTracingDisabled(true);
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
  const modelProvider = new OpenAIProvider({ openAIClient: client, useResponses: true });
  const sent = tools.effects.length;
  const wiki = hostedMcpTool({ serverLabel: "wiki", requireApproval: "always" });
  const agent = new Agent({ name: "clerk", model: "scripted", tools: [wiki] });
  const run = await new Runner({ modelProvider }).run(agent, "Write to Ann", { stream: true });
  for await (const _ of run);
  await run.completed;
  const state = await RunState.fromString(agent, run.state.toString());
  const [question] = state.getInterruptions();
  assert.ok(question !== undefined);
  assert.equal(tools.effects.length, sent);
  state.approve(question);
  const again = await new Runner({ modelProvider }).run(agent, state, { stream: true });
  for await (const _ of again);
  await again.completed;
  assert.equal(again.finalOutput, "Sent.");
  assert.equal(tools.effects.length, sent + 1);
});

test("the AI SDK's ToolLoopAgent: a loop is streamed, waits for a person, and continues", async () => {
  const provider = createOpenAI({ baseURL: `${server.url}/v1`, apiKey: "dev-local-key" });
  const posted: string[] = [];
  const post = aiTool({
    description: "Posts a letter.",
    inputSchema: z.object({ to: z.string() }),
    execute: ({ to }) => {
      posted.push(to);
      return `posted to ${to}`;
    },
  });
  const agent = new ToolLoopAgent({
    model: provider.responses("scripted"),
    tools: { post },
    toolApproval: { post: "user-approval" },
  });
  const messages: ModelMessage[] = [{ role: "user", content: "Post to Bob" }];
  const asked = await agent.stream({ messages });
  const parts = await asked.content;
  const question = parts.find(({ type }) => type === "tool-approval-request");
  assert.ok(question?.type === "tool-approval-request");
  assert.deepEqual(posted, []);
  messages.push(...(await asked.response).messages, {
    role: "tool",
    content: [{ type: "tool-approval-response", approvalId: question.approvalId, approved: true }],
  });
  const done = await agent.stream({ messages });
  let text = "";
  for await (const piece of done.textStream) text += piece;
  assert.equal(text, "Posted.");
  assert.deepEqual(posted, ["Bob"]);
});
