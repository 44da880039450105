import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { FormData } from "undici";
import type { EvalData } from "../../features/datasets/dataset.ts";
import type { FailureCategory, RecordError } from "../../features/evaluation/runs/failure.ts";
import type { Measurement } from "../../features/evaluation/runs/measurement.ts";
import type { Provenance, RunStatus } from "../../features/evaluation/runs/run.ts";
import type { BatchEvalBody } from "../../features/evaluation/runs/schema.ts";
import type { Summary } from "../../features/evaluation/runs/summary.ts";
import { patientFetch, type RequestInit, type Response } from "../../platform/patient-fetch.ts";
import { serverSentEvents } from "../../platform/server-sent-events.ts";

/** Times that a connection that broke is made again before giving up, a second apart. */
const RECONNECTS = 30;
const RECONNECT_MS = 1_000;
const PAGE = 100;

export interface RunView {
  readonly run_id: string;
  readonly status: RunStatus;
  readonly status_reason: string | null;
  readonly created_at: string;
  readonly provenance: Provenance;
}

export interface RunResultView extends RunView {
  readonly summary: Summary;
  readonly failures: ReadonlyArray<{
    readonly code: string;
    readonly category: FailureCategory;
    readonly count: number;
  }>;
}

export interface ResultView {
  readonly record_id: string;
  readonly status: "completed" | "failed";
  readonly passed: boolean;
  readonly failure: { readonly code: string; readonly category: FailureCategory } | null;
  readonly input: EvalData["input"];
  readonly reference: { readonly answer: string } | null;
  readonly measurement: Measurement | null;
  readonly error: RecordError | null;
}

export interface ProgressView {
  readonly status: RunStatus;
  readonly status_reason: string | null;
  readonly progress: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly eta_seconds: number | null;
}

/** A server's batch evaluations, over HTTP. Every method throws an Error that says what the server answered. */
export class EvalClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;

  /** `signal` ends everything but `pause`. */
  constructor(url: string, apiKey: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
    this.#headers = { "x-api-key": apiKey };
  }

  /** Uploads an evaluation set. @returns its id, and how many of its records were refused */
  async upload(file: string): Promise<{ readonly dataset_id: string; readonly rejected_count: number }> {
    const form = new FormData();
    form.set("name", basename(file));
    form.set("type", "eval_set");
    form.set("file", await openAsBlob(file), basename(file));
    return this.#json("/v1/datasets", { method: "POST", body: form });
  }

  /** Resolves when an uploaded dataset can be used. */
  async untilDatasetReady(datasetId: string): Promise<void> {
    for (;;) {
      const { status, error } = await this.#json<{ status: string; error?: string | null }>(
        `/v1/datasets/${encodeURIComponent(datasetId)}`,
      );
      if (status === "ready") return;
      if (status === "failed")
        throw new Error(`The dataset could not be read: ${error ?? "no reason given"}`);
      await pause(200);
    }
  }

  async start(body: BatchEvalBody): Promise<string> {
    const { run_id } = await this.#json<{ run_id: string }>("/v1/batch-evals", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return run_id;
  }

  /** Has no more records taken up until the run is resumed. */
  async pause(runId: string): Promise<void> {
    await this.#json(`/v1/batch-evals/${runId}/pause`, { method: "POST", signal: null });
  }

  async result(runId: string): Promise<RunResultView> {
    return this.#json(`/v1/batch-evals/${runId}/result`);
  }

  async records(runId: string): Promise<ResultView[]> {
    const records: ResultView[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(cursor !== "" && { cursor }) });
      const page: { data: ResultView[]; next_cursor: string | null } = await this.#json(
        `/v1/batch-evals/${runId}/records?${query}`,
      );
      records.push(...page.data);
      cursor = page.next_cursor;
    }
    return records;
  }

  async export(runId: string, format: "jsonl" | "csv"): Promise<Response> {
    return this.#fetch(`/v1/batch-evals/${runId}/artifacts/export?format=${format}`);
  }

  /** The run's progress until it is over or paused; resumes where it was when the connection or the server breaks. */
  async *follow(runId: string): AsyncIterable<ProgressView> {
    let lastId = "";
    for (let failures = 0; ; ) {
      try {
        const response = await this.#fetch(`/v1/batch-evals/${runId}/events`, {
          headers: { ...(lastId !== "" && { "last-event-id": lastId }) },
        });
        for await (const { id, data } of readEvents(response)) {
          failures = 0;
          lastId = id;
          yield data as ProgressView;
        }
        return;
      } catch (error) {
        this.#signal.throwIfAborted();
        failures++;
        if (failures > RECONNECTS || error instanceof AnswerError) throw error;
        await pause(RECONNECT_MS);
      }
    }
  }

  async #json<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await (await this.#fetch(path, init)).json()) as T;
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...this.#headers, ...(init.headers as Record<string, string> | undefined) };
    const signal = this.#signal;
    const response = await patientFetch(this.#url + path, { signal, ...init, headers }).catch(
      (error: Error) => {
        if (init.signal !== null) signal.throwIfAborted();
        const reason = error.cause instanceof Error ? error.cause.message : error.message;
        throw new Error(`The server at ${this.#url} can't be reached: ${reason}`, { cause: error });
      },
    );
    if (!response.ok) throw new AnswerError(await describeError(response));
    return response;
  }
}

/** The server answered, and refused. */
class AnswerError extends Error {
  override readonly name = "AnswerError";
}

async function describeError(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    return `The server answered ${response.status}: ${text.slice(0, 200)}`;
  }
}

/** Events with JSON data. */
async function* readEvents({
  body,
}: Response): AsyncIterable<{ readonly id: string; readonly data: unknown }> {
  if (body === null) return;
  for await (const { id = "", data } of serverSentEvents(body)) yield { id, data: JSON.parse(data) };
}
