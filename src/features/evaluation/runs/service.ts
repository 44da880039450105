import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import { ApiError } from "../../../errors.ts";
import type { Changes } from "../../../platform/jobs/changes.ts";
import { decodeCursor, type Page, toPage } from "../../../platform/paging.ts";
import type { Queries, Store } from "../../../platform/store/database.ts";
import { cancelAttempts } from "./attempts.ts";
import { compareRuns, type RunComparison } from "./comparison.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type ExportFormat, exportRun } from "./export.ts";
import { categoryOf, taxonomy } from "./failure.ts";
import { histogram } from "./histogram.ts";
import type { RecordResult } from "./measurement.ts";
import { describeRun } from "./report.ts";
import { allResults, failureCounts, figuresOf, pageOfResults, type ResultFilter } from "./results-table.ts";
import { isFinished, type Run, type RunStatus } from "./run.ts";
import type { RunPlanner } from "./run-plan.ts";
import {
  changeStatus,
  eventsAfter,
  findRun,
  insertRun,
  latestEta,
  listRuns,
  type RunEvent,
} from "./run-table.ts";
import type { BatchEvalBody, FailuresFilter, PageRequest, RecordsFilter } from "./schema.ts";
import { type Slice, type Summary, slicesByTag, summarize } from "./summary.ts";

/** Events that one look at the store brings. */
const EVENTS = 500;
/** How often followers look for what another server did to the run. */
const FOLLOW_MS = 1_000;

export interface BatchEvalOptions {
  readonly store: Store;
  readonly planner: RunPlanner;
  readonly dispatcher: Dispatcher;
  readonly changes: Changes;
}

/** Results that are kept at hand. */
const RESULTS = 32;

type RunResult = ReturnType<typeof describeRun> & {
  readonly summary: Summary;
  readonly pass_rule: object;
  readonly failures: Array<{ readonly code: string; readonly category: string; readonly count: number }>;
  readonly slices: Slice[];
};

/** Batch evaluations: made, followed, stopped, and read. */
export class BatchEvals {
  readonly #options: BatchEvalOptions;
  /** Of finished runs, which no longer change: the intervals of a large one take seconds. */
  readonly #results = new LRUCache<string, RunResult>({ max: RESULTS });

  constructor(options: BatchEvalOptions) {
    this.#options = options;
  }

  /** @throws ApiError that names the field when the run can't be made */
  async create(body: BatchEvalBody): Promise<Run> {
    const plan = await this.#options.planner.plan(body);
    const database = await this.#options.store.database();
    const run = await database.transaction((queries) =>
      insertRun(queries, { runId: `run_${randomUUID().replaceAll("-", "")}`, ...plan }),
    );
    this.#options.dispatcher.start(run.runId);
    return run;
  }

  /** @throws ApiError `not_found` */
  async get(runId: string): Promise<Run> {
    const run = await findRun(await this.#options.store.database(), runId);
    if (run === undefined)
      throw new ApiError("not_found", `There is no batch evaluation ${JSON.stringify(runId)}.`);
    return this.#withReason(run);
  }

  async show(runId: string) {
    const run = await this.get(runId);
    return describeRun(run, await latestEta(await this.#options.store.database(), runId));
  }

  /** Newest first. */
  async list({ limit, cursor }: PageRequest): Promise<Page<Run>> {
    const before = cursor === undefined ? undefined : decodeCursor(cursor);
    const found = await listRuns(await this.#options.store.database(), limit + 1, before);
    return toPage(
      found.map((run) => this.#withReason(run)),
      limit,
      ({ position }) => position,
    );
  }

  /** A run that stands still says why, also where that could not be written down. */
  #withReason(run: Run): Run {
    return { ...run, statusReason: run.statusReason ?? this.#options.dispatcher.heldUpBy(run) };
  }

  /** Ends the run; what it has measured stays. @throws ApiError `conflict` when it is over */
  async cancel(runId: string): Promise<Run> {
    const run = await this.#change(runId, ["queued", "running", "paused"], "cancelled", cancelAttempts);
    await this.#options.dispatcher.abandon(runId);
    return run;
  }

  /** Takes up no more records until it is resumed; those under way are finished. */
  async pause(runId: string): Promise<Run> {
    return this.#change(runId, ["queued", "running"], "paused");
  }

  async resume(runId: string): Promise<Run> {
    const run = await this.#change(runId, ["paused"], "queued");
    this.#options.dispatcher.start(runId);
    return run;
  }

  /** False when the run is over and `after` was its last event. @throws ApiError `not_found` */
  async hasEventsAfter(runId: string, after: number): Promise<boolean> {
    if (!isFinished((await this.get(runId)).status)) return true;
    return (await eventsAfter(await this.#options.store.database(), runId, after, 1)).length > 0;
  }

  /** Events after the one numbered `after`, as they come, until the run is over. */
  async *follow(runId: string, after: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    const { store, changes } = this.#options;
    let last = after;
    while (!signal.aborted) {
      // Asked before the events are read: a run that is over by now has written its last one.
      const run = await this.get(runId);
      const events = await eventsAfter(await store.database(), runId, last, EVENTS);
      yield* events;
      last = events.at(-1)?.event_id ?? last;
      if (events.length === EVENTS) continue;
      if (isFinished(run.status)) return;
      if (events.length === 0) await changes.next(runId, FOLLOW_MS, signal);
    }
  }

  async result(runId: string): Promise<RunResult> {
    const run = await this.get(runId);
    const known = this.#results.get(runId);
    if (known !== undefined) return known;
    const result = await this.#summarize(run);
    if (isFinished(run.status)) this.#results.set(runId, result);
    return result;
  }

  async #summarize(run: Run): Promise<RunResult> {
    const { runId } = run;
    const database = await this.#options.store.database();
    const figures = await figuresOf(database, runId);
    const failures = await failureCounts(database, runId);
    const { thresholds } = run.request;
    const isDefault = Object.keys(thresholds).length === 0;
    return {
      ...describeRun(run),
      summary: await summarize(figures),
      pass_rule: isDefault ? { kind: "default" } : { kind: "thresholds", thresholds },
      failures: failures.map(({ code, count }) => ({ code, category: categoryOf(code), count })),
      slices: await slicesByTag(figures),
    };
  }

  async distribution(runId: string, criterion: string) {
    const run = await this.get(runId);
    return histogram(run, criterion, await figuresOf(await this.#options.store.database(), runId));
  }

  async records(
    runId: string,
    page: PageRequest,
    { status, tag }: RecordsFilter,
  ): Promise<Page<RecordResult>> {
    return this.#page(runId, page, {
      ...(status !== undefined && { status }),
      ...(tag !== undefined && { tag }),
    });
  }

  async failures(
    runId: string,
    page: PageRequest,
    { category, code }: FailuresFilter,
  ): Promise<Page<RecordResult>> {
    const codes = code !== undefined ? [code] : category !== undefined ? taxonomy[category] : undefined;
    return this.#page(runId, page, {
      isFailure: true,
      ...(codes !== undefined && { failureCodes: codes }),
    });
  }

  async export(runId: string, format: ExportFormat): Promise<AsyncIterable<string>> {
    const run = await this.get(runId);
    return exportRun(run, allResults(await this.#options.store.database(), runId), format);
  }

  /** @throws ApiError `conflict` while either is not over; InvalidRequestError when they are of different records */
  async compare(a: string, b: string): Promise<RunComparison> {
    const runs = [await this.get(a), await this.get(b)] as const;
    for (const { runId, status } of runs) {
      if (!isFinished(status))
        throw new ApiError("conflict", `Batch evaluation ${runId} is ${status}; compare it when it is over.`);
    }
    const database = await this.#options.store.database();
    const [one, other] = runs;
    return compareRuns(
      [one, await figuresOf(database, one.runId)],
      [other, await figuresOf(database, other.runId)],
    );
  }

  async #page(
    runId: string,
    { limit, cursor }: PageRequest,
    filter: ResultFilter,
  ): Promise<Page<RecordResult>> {
    await this.get(runId);
    const after = cursor === undefined ? -1 : decodeCursor(cursor);
    const found = await pageOfResults(await this.#options.store.database(), runId, after, limit + 1, filter);
    return toPage(found, limit, ({ position }) => position);
  }

  async #change(
    runId: string,
    from: readonly RunStatus[],
    to: RunStatus,
    alongside: (queries: Queries, runId: string) => Promise<void> = async () => {},
  ): Promise<Run> {
    const database = await this.#options.store.database();
    const changed = await database.transaction(async (queries) => {
      const run = await changeStatus(queries, runId, from, to);
      if (run !== undefined) await alongside(queries, runId);
      return run;
    });
    if (changed !== undefined) {
      this.#options.changes.changed(runId);
      return changed;
    }
    const { status } = await this.get(runId);
    throw new ApiError(
      "conflict",
      `Batch evaluation ${runId} is ${status}; only one that is ${from.join(" or ")} can become ${to}.`,
      {
        details: { status },
      },
    );
  }
}
