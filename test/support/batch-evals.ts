import assert from "node:assert/strict";
import { json, KEY, type TestServer } from "./server.ts";

export interface RunView {
  readonly run_id: string;
  readonly status: string;
  readonly status_reason: string | null;
  readonly progress: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly eta_seconds: number | null;
  readonly provenance: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface RecordView {
  readonly position: number;
  readonly record_id: string;
  readonly status: string;
  readonly passed: boolean;
  readonly failure: { readonly code: string; readonly category: string } | null;
  readonly input: { readonly prompt: string };
  readonly measurement: {
    readonly output: string;
    readonly scores: ReadonlyArray<{
      readonly criterion: string;
      readonly score: number;
      readonly score_expected: number | null;
    }>;
    readonly metrics: Readonly<Record<string, number | null>>;
    readonly tokens: Readonly<Record<string, number>>;
    readonly latency_ms: number;
  } | null;
  readonly attempt: number;
}

export interface RunEvent {
  readonly id: number;
  readonly event: string;
  readonly data: RunView;
}

/** `count` records: `question(0)`, `question(1)`, … with references and tags. */
export function records(count: number, question = (index: number) => `What is ${index} plus 1?`): object[] {
  return Array.from({ length: count }, (_, index) => ({
    record_id: `r${index}`,
    prompt: question(index),
    reference: `${index + 1}`,
    tags: [index % 2 === 0 ? "even" : "odd"],
  }));
}

/** Uploads records as a dataset and returns its id. */
export async function createDataset(
  server: TestServer,
  rows: readonly object[],
  type: "eval_set" | "rag_corpus" = "eval_set",
): Promise<string> {
  const response = await server.post("/v1/datasets", { name: "set", type, records: rows });
  const body = await json<{ dataset_id: string }>(response);
  assert.equal(response.status, 201, JSON.stringify(body));
  return body.dataset_id;
}

/** Starts a run and returns its id. */
export async function startRun(server: TestServer, body: object): Promise<string> {
  const response = await server.post("/v1/batch-evals", {
    criteria: ["overall"],
    generation: { max_new_tokens: 12 },
    ...body,
  });
  const answer = await json<{ run_id: string; status: string }>(response);
  assert.equal(response.status, 202, JSON.stringify(answer));
  return answer.run_id;
}

export async function showRun(server: TestServer, runId: string): Promise<RunView> {
  return json(server.get(`/v1/batch-evals/${runId}`));
}

/** Follows a run's events, those after `lastEventId` when it is given, until its stream ends. */
export async function* follow(
  server: TestServer,
  runId: string,
  lastEventId?: number,
): AsyncIterable<RunEvent> {
  const response = await fetch(`${server.url}/v1/batch-evals/${runId}/events`, {
    headers: { ...KEY, ...(lastEventId !== undefined && { "last-event-id": String(lastEventId) }) },
  });
  assert.ok(response.ok, `events answered ${response.status}`);
  if (response.body === null) return;
  let buffered = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    buffered += chunk;
    const blocks = buffered.split("\n\n");
    buffered = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => {
          const [name = "", ...value] = line.split(": ");
          return [name, value.join(": ")];
        }),
      );
      const data = fields.get("data");
      if (data === undefined) continue;
      yield { id: Number(fields.get("id")), event: fields.get("event") ?? "", data: JSON.parse(data) };
    }
  }
}

/** Follows a run to its end. */
export async function untilFinished(server: TestServer, runId: string): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of follow(server, runId)) events.push(event);
  return events;
}

export async function allRecords(server: TestServer, runId: string, query = ""): Promise<RecordView[]> {
  const found: RecordView[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { data: RecordView[]; next_cursor: string | null } = await json(
      server.get(`/v1/batch-evals/${runId}/records?limit=100${query}${cursor && `&cursor=${cursor}`}`),
    );
    found.push(...page.data);
    cursor = page.next_cursor;
  }
  return found;
}
