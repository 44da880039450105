import { ApiError, type ErrorWords, errorWords, UnavailableError } from "../../../errors.ts";
import { monotonicMs } from "../../../platform/clock.ts";
import type { Changes } from "../../../platform/jobs/changes.ts";
import { JobLoop } from "../../../platform/jobs/job-loop.ts";
import type { Claim, JobQueue } from "../../../platform/jobs/queue.ts";
import type { FieldsLog, Log } from "../../../platform/log.ts";
import type { Queries, Store } from "../../../platform/store/database.ts";
import type { Webhooks } from "../../../platform/webhooks/webhooks.ts";
import { RequestAccount } from "../../../telemetry/request-account.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { invalid } from "../../content.ts";
import {
  type BackgroundJob,
  beginAttempt,
  cancelResponse,
  eventsAfter,
  settle,
  unfinished,
} from "./background-table.ts";
import { AttemptOver, EventWriter } from "./event-writer.ts";
import type { OutputEvent } from "./output.ts";
import { insertResponse } from "./response-table.ts";
import type { ResponseBody } from "./schema.ts";
import { finished, notFound, type Responses } from "./service.ts";
import type { ResponseObject } from "./store.ts";

/** Responses that one server makes in the background at the same time; further ones wait in the store. */
const CONCURRENCY = 8;
/** How often the events of a response that other servers make are looked for. */
const POLL_MS = 1_000;

export interface BackgroundOptions {
  readonly store: Store;
  readonly queue: JobQueue;
  readonly changes: Changes;
  readonly webhooks: Pick<Webhooks, "note" | "flush">;
  /** Whether responses outlive the process at all. */
  readonly isKept: boolean;
  /** Has the responses of the model that a request wants answer. */
  readonly withResponses: <T>(
    body: ResponseBody,
    context: RequestContext,
    answer: (responses: Responses) => AsyncIterable<T>,
  ) => AsyncIterable<T>;
  readonly log: Pick<Log, "warn"> & Pick<FieldsLog, "error">;
}

/**
 * Responses that are made even if their clients leave or this process ends. Each is a job; what followers receive is in
 * the store before they receive it: a client can follow from any event on, at any server of the store.
 */
export class BackgroundResponses {
  readonly #options: BackgroundOptions;
  readonly #jobs: JobLoop<BackgroundJob | undefined>;
  /** What this process makes now, by the response's id. */
  readonly #running = new Map<string, AbortController>();

  constructor(options: BackgroundOptions) {
    const { store, queue, log } = options;
    this.#options = options;
    this.#jobs = new JobLoop({
      store,
      queue,
      name: "responses in the background",
      concurrency: CONCURRENCY,
      due: unfinished,
      begin: beginAttempt,
      work: (claim, job, stopping) => this.#make(claim, job, stopping),
      giveUp: (claim) => this.#giveUp(claim),
      log,
    });
  }

  /** Checks and queues a response. @returns it as it is then. @throws ApiError where the request is wrong */
  async create(body: ResponseBody, context: RequestContext): Promise<ResponseObject> {
    if (body.store === false) throw invalid("store", "can't be false of a response in the background");
    if (!this.#options.isKept)
      throw new ApiError(
        "not_implemented",
        "Responses in the background need RESPONSES_RETENTION_DAYS to be more than 0.",
        { param: "background" },
      );
    const { store } = this.#options;
    const prepared = await first(
      this.#options.withResponses(body, context, async function* (responses) {
        yield await responses.prepare(body, context);
      }),
    );
    const { head, input, previousId } = prepared;
    const response = { ...head, status: "queued", output: [] };
    const database = await store.database();
    await database.transaction((queries) =>
      insertResponse(queries, { response, input, previousId }, { ...body, input }),
    );
    this.#jobs.wake();
    return response;
  }

  /** Events of a response from the one after number `after` on, until it is made. @throws ApiError `not_found` */
  async *follow(id: string, after: number, signal: AbortSignal): AsyncIterable<OutputEvent> {
    const { store, changes } = this.#options;
    for (let last = after; ; ) {
      const change = changes.next(id, POLL_MS, signal);
      const found = await eventsAfter(await store.database(), id, last);
      if (found === undefined) throw notFound(id, "response_id");
      for (const event of found.events) {
        yield event;
        last = Number(event["sequence_number"]);
      }
      if (found.isOver || signal.aborted) return;
      await change;
    }
  }

  /** Ends a response that is not made yet. @throws ApiError `not_found`, and for those not in the background */
  async cancel(id: string): Promise<ResponseObject> {
    const { store, changes } = this.#options;
    const database = await store.database();
    const response = await database.transaction(async (queries) => {
      const cancelled = await cancelResponse(queries, id);
      if (cancelled?.isNew === true) await this.#options.webhooks.note(queries, "response.cancelled", { id });
      return cancelled?.response;
    });
    this.#options.webhooks.flush();
    if (response === undefined) throw notFound(id, "response_id");
    if (response["background"] !== true)
      throw invalid("response_id", "is not of a response in the background, which is ended by leaving it");
    this.#running.get(id)?.abort();
    changes.changed(id);
    return response;
  }

  /** Makes from now on what an earlier process left, and what others leave. */
  recover(): Promise<void> {
    return this.#jobs.recover();
  }

  /** Gives back what is under way, for the next process to take up. */
  stop(): Promise<void> {
    return this.#jobs.stop();
  }

  /** Fails a response that was taken up many times and never came back: it may be what kills the server. */
  async #giveUp(claim: Claim): Promise<void> {
    const { store } = this.#options;
    const database = await store.database();
    const job = await beginAttempt(database, claim);
    if (job === undefined) return;
    const message = "Taken up again and again, and never heard of since.";
    await this.#end(claim, job, { code: "response_lost", message });
  }

  async #make(claim: Claim, job: BackgroundJob | undefined, stopping: AbortSignal): Promise<void> {
    const { store, changes } = this.#options;
    if (job === undefined) {
      await this.#jobs.complete(claim, await store.database());
      return;
    }
    const { id } = job.response;
    const controller = new AbortController();
    this.#running.set(id, controller);
    const signal = AbortSignal.any([controller.signal, stopping]);
    try {
      await this.#answer(claim, job, signal);
    } catch (error) {
      await this.#failed(claim, job, { cancelled: controller.signal, stopping }, error);
    } finally {
      this.#running.delete(id);
      changes.changed(id);
      this.#options.webhooks.flush();
    }
  }

  async #answer(
    claim: Claim,
    { request, response: { id, created_at: createdAt } }: BackgroundJob,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, withResponses } = this.#options;
    const writer = this.#writer(claim, id);
    const context = { requestId: id, arrivedAt: monotonicMs(), signal, account: new RequestAccount() };
    const begun = { id, createdAt, isInBackground: true, ...(await writer.closeEarlier()) };
    const made = withResponses(request, context, async function* (responses) {
      const prepared = await responses.prepare(request, context, begun);
      for await (const event of responses.make(prepared, request, context))
        yield {
          event,
          keep: (response: ResponseObject, queries: Queries) => responses.extend(prepared, response, queries),
        };
    });
    for await (const { event, keep } of made) {
      signal.throwIfAborted();
      await writer.add(event);
      const response = finished(event);
      if (response === undefined) continue;
      await writer.flush();
      const database = await store.database();
      await database.transaction(async (queries) => {
        if (await this.#settle(queries, claim, response)) await keep(response, queries);
        await this.#jobs.complete(claim, queries);
      });
    }
  }

  /** What is only busy or away is tried again; anything else is the response's end. */
  async #failed(
    claim: Claim,
    job: BackgroundJob,
    { cancelled, stopping }: { readonly cancelled: AbortSignal; readonly stopping: AbortSignal },
    error: unknown,
  ): Promise<void> {
    const { store, log } = this.#options;
    const database = await store.database();
    if (error instanceof AttemptOver || cancelled.aborted) await this.#jobs.complete(claim, database);
    else if (stopping.aborted || error instanceof UnavailableError)
      await database.transaction((queries) => this.#jobs.giveBack(claim, queries));
    else {
      if (!(error instanceof ApiError)) log.error({ err: error }, `response ${job.response.id} met a defect`);
      await this.#end(claim, job, errorWords(error));
    }
  }

  async #end(claim: Claim, { response }: BackgroundJob, { code, message }: ErrorWords): Promise<void> {
    const { store } = this.#options;
    const writer = this.#writer(claim, response.id);
    const failed = { ...response, status: "failed", error: { code, message } };
    const { nextNumber } = await writer.closeEarlier();
    await writer.add({ type: "response.failed", response: failed, sequence_number: nextNumber });
    await writer.flush();
    const database = await store.database();
    await database.transaction(async (queries) => {
      await this.#settle(queries, claim, failed);
      await this.#jobs.complete(claim, queries);
    });
  }

  async #settle(queries: Queries, { attempt }: Claim, response: ResponseObject): Promise<boolean> {
    const isSettled = await settle(queries, attempt, response);
    if (isSettled)
      await this.#options.webhooks.note(queries, `response.${response.status}`, { id: response.id });
    return isSettled;
  }

  #writer({ attempt }: Claim, id: string): EventWriter {
    const { store, changes } = this.#options;
    return new EventWriter({ store, id, attempt, onWritten: () => changes.changed(id) });
  }
}

async function first<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error("there was nothing");
}
