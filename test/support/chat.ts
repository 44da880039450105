import assert from "node:assert/strict";
import type { ChatResponse } from "../../src/features/chat/schema.ts";
import { json, readEvents, type TestServer } from "./server.ts";

/** The likeliest continuation of a story: long, and the same every time. */
export const greedy = { prompt: "Once upon a time", raw: true, temperature: 0, max_new_tokens: 60 };

export async function chat(server: TestServer, body: object): Promise<ChatResponse> {
  const response = await server.post("/chat", body);
  assert.equal(response.status, 200, await response.clone().text());
  return json<ChatResponse>(response);
}

export interface StreamedAnswer {
  readonly pieces: readonly string[];
  /** The whole response, as the last event has it. */
  readonly answer: ChatResponse;
}

/** Reads a whole stream and checks its form: tokens, then the response, then `[DONE]`. */
export async function streamedChat(server: TestServer, body: object): Promise<StreamedAnswer> {
  const response = await server.post("/chat", { ...body, stream: true });
  assert.equal(response.status, 200);
  const events: string[] = [];
  for await (const event of readEvents(response)) events.push(event);
  assert.equal(events.pop(), "[DONE]");
  const answer = JSON.parse(events.pop() ?? "{}") as ChatResponse;
  const pieces = events.map((event) => (JSON.parse(event) as { token: string }).token);
  for (const piece of pieces) assert.ok(piece !== "" && piece.isWellFormed(), JSON.stringify(piece));
  return { pieces, answer };
}
