import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BUILTIN } from "../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../support/openai-server.ts";
import { json, readEvents } from "../support/server.ts";
import { type RealRequest, realRequests } from "./real-requests.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN } });
});
after(() => started[Symbol.asyncDispose]());

interface Noted {
  readonly not_honoured?: ReadonlyArray<{ readonly param: string; readonly reason: string }>;
}

const send = ({ url, body }: RealRequest, stream: boolean) =>
  started.server.post(url, {
    model: started.model,
    [url === "/v1/responses" ? "max_output_tokens" : "max_tokens"]: 4,
    temperature: 0,
    stream,
    ...body,
  });

const noted = (answer: Noted) => answer.not_honoured?.map(({ param }) => param) ?? [];

for (const request of realRequests) {
  test(`${request.url} serves ${request.about}`, async () => {
    const whole = await send(request, false);
    const answer = await json<Noted & { error?: unknown }>(whole);
    assert.equal(whole.status, 200, JSON.stringify(answer.error));
    if (request.noted !== undefined) assert.deepEqual(noted(answer), request.noted);
    const streamed = await send(request, true);
    assert.equal(streamed.status, 200);
    const events: string[] = [];
    for await (const event of readEvents(streamed)) events.push(event);
    assert.ok(events.length > 1);
    for (const event of events) assert.doesNotMatch(event, /^\{"(error|type":"error)/);
    // Streams tell it where they tell of the answer as a whole.
    if (request.noted !== undefined)
      assert.ok(
        events.some((event) => (request.noted ?? []).every((param) => event.includes(`"param":"${param}"`))),
      );
  });
}

/** The prompt that the model reads. */
async function promptOf(messages: unknown): Promise<string> {
  const { tokens } = await json<{ tokens: number[] }>(started.server.post("/v1/tokenize", { messages }));
  return (await json<{ content: string }>(started.server.post("/v1/detokenize", { tokens }))).content;
}

test("no history puts a word in the prompt that nobody wrote", async () => {
  for (const { url, body, about } of realRequests) {
    if (url !== "/v1/chat/completions") continue;
    const prompt = await promptOf(body["messages"]);
    assert.doesNotMatch(prompt, /null|undefined|\[object/, about);
  }
});

test("all system texts reach the model", async () => {
  const prompt = await promptOf([
    { role: "system", content: "first words" },
    { role: "system", content: "second words" },
    { role: "user", content: "hi" },
    { role: "system", content: "third words" },
    { role: "user", content: "go on" },
  ]);
  for (const words of ["first words", "second words", "third words"])
    assert.ok(prompt.includes(words), prompt);
});

test("arguments that nest without end are refused, in a text as in the body", async () => {
  const deep = `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`;
  const call = { id: "c", type: "function", function: { name: "lookup", arguments: deep } };
  for (const [url, body] of [
    ["/v1/chat/completions", { messages: [{ role: "assistant", tool_calls: [call] }] }],
    ["/v1/responses", { input: [{ type: "function_call", call_id: "c", name: "lookup", arguments: deep }] }],
  ] as const) {
    const response = await started.server.post(url, body);
    assert.equal(response.status, 400);
    assert.match((await json<{ error: { message: string } }>(response)).error.message, /nests deeper/);
  }
});
