import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { UpstreamChat, type UpstreamOptions } from "../../../src/inference/upstream/chat-client.ts";
import { backoffMs, retryAfterMs } from "../../../src/inference/upstream/retry.ts";
import { UpstreamError } from "../../../src/inference/upstream/upstream-error.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>) => void;

/** An upstream that does what each test says, request by request: real ones fail seldom and never on demand. */
let answers: Answer[] = [];
let bodies: Array<Record<string, unknown>> = [];
let server: Server;
before(async () => {
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as Record<string, unknown>;
    bodies.push(body);
    answers.shift()?.(request, response, body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answers = [];
  bodies = [];
});

const completion = {
  choices: [{ message: { content: "fine" } }],
  usage: { prompt_tokens: 3, completion_tokens: 1 },
};
const good: Answer = (_request, response) => response.end(JSON.stringify(completion));
function refusing(
  status: number,
  headers: Record<string, string> = {},
  error: object = { message: "no" },
): Answer {
  return (_request, response) => response.writeHead(status, headers).end(JSON.stringify({ error }));
}

function client(options: Partial<UpstreamOptions> = {}): UpstreamChat {
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  return new UpstreamChat({
    baseUrl,
    model: "m",
    apiKey: "secret",
    timeoutMs: 10_000,
    random: () => 0,
    ...options,
  });
}

const request = {
  messages: [{ role: "user", content: "hi" }],
  maxTokens: 5,
  temperature: 0,
  seed: 0,
} as const;
const ask = (chat: UpstreamChat, rest: object = {}, signal = new AbortController().signal) =>
  chat.complete({ ...request, ...rest }, signal);

test("asks with the key, the model and the schema, and counts what it is told", async () => {
  let key: string | undefined;
  answers = [
    (incoming, response) => {
      key = incoming.headers.authorization;
      assert.equal(incoming.url, "/v1/chat/completions");
      good(incoming, response, {});
    },
  ];
  const answer = await ask(client(), { schema: { name: "s", schema: { type: "object" } }, topLogprobs: 5 });
  assert.equal(key, "Bearer secret");
  assert.deepEqual(bodies, [
    {
      model: "m",
      messages: request.messages,
      max_tokens: 5,
      temperature: 0,
      seed: 0,
      response_format: {
        type: "json_schema",
        json_schema: { name: "s", schema: { type: "object" }, strict: true },
      },
      logprobs: true,
      top_logprobs: 5,
    },
  ]);
  assert.equal(answer.text, "fine");
  assert.deepEqual(answer.usage, { promptTokens: 3, cachedPromptTokens: 0, completionTokens: 1 });
});

for (const status of [429, 500, 503]) {
  test(`${status} is tried again after the time that the upstream names`, async () => {
    answers = [refusing(status, { "retry-after": "0" }), refusing(status, { "retry-after": "0" }), good];
    assert.equal((await ask(client())).text, "fine");
    assert.equal(bodies.length, 3);
  });
}

test("after the third try the failure is told, with what the upstream said", async () => {
  answers = Array.from({ length: 3 }, () => refusing(503, { "retry-after": "0" }, { message: "overloaded" }));
  await assert.rejects(ask(client()), (error) => {
    assert.ok(error instanceof UpstreamError);
    assert.equal(error.status, 503);
    assert.match(error.message, /503: overloaded/);
    return true;
  });
  assert.equal(bodies.length, 3);
});

for (const status of [400, 401, 404]) {
  test(`${status} is not tried again`, async () => {
    answers = [refusing(status)];
    await assert.rejects(ask(client()), (error) => error instanceof UpstreamError && error.status === status);
    assert.equal(bodies.length, 1);
  });
}

test("an upstream that does not score tokens is asked without, from then on", async () => {
  const chat = client();
  answers = [refusing(400, {}, { message: "logprobs is not supported", param: "logprobs" }), good, good];
  assert.equal((await ask(chat, { topLogprobs: 5 })).text, "fine");
  assert.equal((await ask(chat, { topLogprobs: 5 })).text, "fine");
  assert.deepEqual(
    bodies.map((body) => body["logprobs"]),
    [true, undefined, undefined],
  );
});

test("a broken connection is tried again, and one that stays broken is told", async () => {
  const cut: Answer = (incoming) => incoming.socket.destroy();
  answers = [cut, good];
  assert.equal((await ask(client())).text, "fine");
  answers = [cut];
  await assert.rejects(ask(client({ tries: 1 })), /can't be reached/);
});

test("an upstream that does not answer is left after the time limit", async () => {
  answers = [() => {}];
  await assert.rejects(ask(client({ timeoutMs: 50, tries: 1 })), /did not answer within 50 ms/);
});

test("an answer may take longer than fetch waits by default, before its headers and within its body", async () => {
  const usual = getGlobalDispatcher();
  // What every fetch without a dispatcher of its own is bound by: 300 s each in Node, half a second here.
  setGlobalDispatcher(new Agent({ headersTimeout: 500, bodyTimeout: 500 }));
  try {
    answers = [
      async (_request, response) => {
        await pause(1_800);
        const text = JSON.stringify(completion);
        response.write(text.slice(0, 10));
        await pause(1_800);
        response.end(text.slice(10));
      },
    ];
    assert.equal((await ask(client({ tries: 1 }))).text, "fine");
  } finally {
    setGlobalDispatcher(usual);
  }
});

test("an answer that is not a chat completion is a failure", async () => {
  for (const text of ["<html>", "{}", '{"choices": []}']) {
    answers = [(_request, response) => response.end(text)];
    await assert.rejects(ask(client()), /no chat completion/);
  }
});

test("who stops waiting stops the request and the pauses between tries", async () => {
  const waiting = new AbortController();
  answers = [() => waiting.abort(new Error("gone"))];
  await assert.rejects(ask(client(), {}, waiting.signal), /gone/);
  const pausing = new AbortController();
  answers = [
    (incoming, response) => {
      refusing(503, { "retry-after": "30" })(incoming, response, {});
      response.once("finish", () => setImmediate(() => pausing.abort(new Error("gone"))));
    },
  ];
  await assert.rejects(ask(client(), {}, pausing.signal), /gone/);
  assert.equal(bodies.length, 2);
});

describe("pauses", () => {
  test("double, in their upper half, up to half a minute", () => {
    assert.deepEqual(
      [1, 2, 3, 20].map((attempt) => backoffMs(attempt, () => 1)),
      [500, 1000, 2000, 30_000],
    );
    assert.equal(
      backoffMs(1, () => 0),
      250,
    );
  });

  test("named by the upstream are seconds or a date", () => {
    assert.equal(retryAfterMs("2", 0), 2000);
    assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:05 GMT", 1000), 4000);
    assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:05 GMT", 9000), 0);
    assert.equal(retryAfterMs("3600", 0), 30_000);
    assert.equal(retryAfterMs("soon", 0), undefined);
    assert.equal(retryAfterMs(null, 0), undefined);
  });
});
