import type { Clock } from "../../platform/clock.ts";
import type { GenerationContext, GenerationRequest, Prompt } from "../engine.ts";
import type { KvLayoutChoice } from "../kv-layout.ts";
import type { LlamaModel } from "../llama/model.ts";
import { readMachineLoad } from "../machine/machine-load.ts";
import { ProcessorWait } from "../machine/processor-wait.ts";
import { ThreadGovernor } from "../machine/thread-governor.ts";
import { identityDigest } from "../model-identity.ts";
import type { SequenceStart, StepReport } from "../scheduler/report.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { detokenize } from "./detokenizer.ts";
import { KvTiers } from "./kv-tiers.ts";
import type { LoadReports, OpenModel } from "./open-model.ts";
import { PinnedPrefixes } from "./pinned-prefixes.ts";
import { PromptTokenizer } from "./prompt-tokenizer.ts";
import type { EngineCondition, EngineOptions, LoadedModel } from "./protocol.ts";
import { Rehearsal, type RehearsalOptions } from "./rehearsal.ts";
import { assertFits } from "./request-checks.ts";
import { type PreparedRequest, RequestPreparation } from "./request-preparation.ts";

export interface CoreReports extends LoadReports {
  /** Called for each request that leaves the queue, before anything of it is computed. */
  readonly onStart?: (start: SequenceStart) => void;
  readonly onLayoutChanged?: (choice: KvLayoutChoice) => void;
}

/** Everything an engine process holds: the model, its context, and the scheduler over them. */
export class EngineCore {
  readonly #open: OpenModel;
  readonly #clock: Clock;
  readonly #tokenizer: PromptTokenizer;
  readonly #preparation: RequestPreparation;
  /** Undefined where the number of threads is given. */
  readonly #governor: ThreadGovernor | undefined;
  #threads: number;
  /** Undefined for memories whose sequences can't be saved. */
  readonly #tiers: KvTiers | undefined;
  readonly #pinned: PinnedPrefixes;
  /** Requests whose tokens and constraint are being made. */
  readonly #preparing = new Set<number>();
  readonly #processorWait: ProcessorWait;
  readonly #rehearsalOptions: RehearsalOptions;
  #rehearsal: Rehearsal | undefined;
  readonly scheduler: Scheduler;
  readonly capacity: string;

  constructor(options: EngineOptions, open: OpenModel, clock: Clock, reports: CoreReports) {
    this.#clock = clock;
    this.#open = open;
    const { model, context, description } = open;
    this.#tokenizer = new PromptTokenizer(model.vocabulary);
    this.#preparation = new RequestPreparation(this.#open, this.#tokenizer);
    this.#threads = description.threads;
    this.#governor =
      options.threads === 0 ? new ThreadGovernor(description.threads, readMachineLoad) : undefined;
    const identity = `${identityDigest(description)} ${options.kvLayout}`;
    this.#tiers = context.isPlain
      ? new KvTiers({
          hostMemory: options.kvHostMemory,
          disk: options.kvDisk,
          directory: options.kvDirectory,
          identity,
          availableMemory: this.#open.memoryLeft,
          onProblem: (text) => reports.onLog({ level: "warn", text }),
        })
      : undefined;
    this.capacity = [this.#open.capacity, this.#tiers?.explanation].filter(Boolean).join("; ");
    this.#processorWait = new ProcessorWait({ clock, computing: () => this.#threads });
    this.#rehearsalOptions = {
      stepTargetMs: options.stepTargetMs,
      speculation: options.speculation,
      clock,
      processorWait: this.#processorWait,
    };
    this.scheduler = new Scheduler(context, model.vocabulary, {
      ...this.#rehearsalOptions,
      draftModel: open.draft?.guesses,
      ...(this.#tiers !== undefined && { saved: this.#tiers.saved }),
      ...(reports.onStart !== undefined && { onStart: reports.onStart }),
      onLayoutChanged: this.#open.isLayoutFollowing
        ? (choice) => reports.onLayoutChanged?.(choice)
        : undefined,
    });
    this.#pinned = new PinnedPrefixes(context, this.scheduler.cache, {
      directory: options.prefixDirectory,
      identity,
      compute: (tokens, onPinned) => this.#computePrefix(tokens, onPinned),
    });
  }

  get description(): LoadedModel {
    return this.#open.description;
  }

  get model(): LlamaModel {
    return this.#open.model;
  }

  /** Nothing is asked of it. */
  get isIdle(): boolean {
    return !this.scheduler.hasWork && this.#preparing.size === 0;
  }

  /** Runs one step of the scheduler, with as many threads as the machine gives now. */
  step(): StepReport | undefined {
    this.watchMachine();
    const report = this.scheduler.step();
    if (report !== undefined) {
      const { computeMs: ms, expectedMs: work, records } = report;
      const waitedMs = records.reduce((total, { processorWaitMs }) => total + processorWaitMs, 0);
      this.#governor?.observe(this.#clock(), { ms, work, waitedMs });
    }
    return report;
  }

  /** Lets the thread count follow the machine; while no steps run it must be called by a timer. */
  watchMachine(): void {
    if (this.#governor === undefined) return;
    this.#governor.look(this.#clock());
    const { threads } = this.#governor;
    if (threads !== this.#threads) {
      this.#open.context.setThreads(threads);
      this.#open.draft?.guesses.setThreads(threads);
    }
    this.#threads = threads;
  }

  /** Keeps on disk what later processes can use; nothing may be asked afterwards. */
  async save(): Promise<void> {
    this.#rehearsal?.end();
    await this.#tiers?.close(this.scheduler.cache.idleSequences(), this.#clock);
  }

  /** Frees all but the model that answers; nothing may be asked afterwards. */
  freeContext(): void {
    const { context, draft } = this.#open;
    this.#processorWait.close();
    context.free();
    draft?.guesses.free();
    draft?.model.free();
  }

  /** Frees what the model takes too. */
  free(): void {
    this.freeContext();
    this.#open.model.free();
  }

  /** Keeps a prefix while the process lives; returns what was done, for the log. @throws ApiError when it does not fit */
  async pin(prefix: Prompt): Promise<string> {
    const tokens = await this.tokenize(prefix);
    this.#rehearsal?.end();
    assertFits(tokens.length, 1, this.#open.context.contextPerSequence);
    return this.#pinned.pin(tokens);
  }

  /** What the server learns of the engine after each step. */
  get state(): EngineCondition {
    return {
      running: this.scheduler.running,
      kvCacheUsage: this.scheduler.cacheUsage,
      prefixCacheHitTokens: this.scheduler.cacheHitTokens,
      expectedStepMs: this.scheduler.expectedStepMs,
      threads: this.#threads,
    };
  }

  /**
   * Tokenizes, checks against the context window, makes the constraint ready, and queues.
   * @throws ApiError `context_length_exceeded`, `invalid_request`
   */
  async generate(
    id: number,
    request: GenerationRequest,
    { lane, cacheScope, arrivedAt }: Required<Pick<GenerationContext, "lane" | "cacheScope" | "arrivedAt">>,
  ): Promise<void> {
    this.#rehearsal?.end();
    this.#preparation.refuseOverlong(request);
    this.#preparing.add(id);
    const prepared = await this.#prepare(request, cacheScope).catch((error: unknown) => {
      this.#preparing.delete(id);
      throw error;
    });
    const wasCancelled = !this.#preparing.delete(id);
    this.scheduler.add({
      id,
      ...prepared,
      stop: request.stop,
      thoughts: request.thoughts,
      isAlone: request.reproducible === true,
      lane,
      scope: cacheScope,
      arrivedAt,
    });
    if (wasCancelled) this.scheduler.cancel(id);
  }

  /** Runs requests for what follows to be fast; not while there is anything else to do or to keep. */
  async rehearse(requests: readonly GenerationRequest[]): Promise<void> {
    const prepared = await Promise.all(requests.map((request) => this.#preparation.prepare(request)));
    if (!this.isIdle || !this.scheduler.cache.isEmpty || this.#rehearsal !== undefined) return;
    const { context, model } = this.#open;
    this.#rehearsal = new Rehearsal(
      context,
      model.vocabulary,
      this.#rehearsalOptions,
      prepared.map((request, id) => ({
        ...request,
        id,
        stop: [],
        lane: "batch",
        arrivedAt: this.#clock(),
      })),
    );
    await this.#rehearsal.run();
  }

  async #prepare(request: GenerationRequest, scope: string): Promise<PreparedRequest> {
    const prepared = await this.#preparation.prepare(request);
    const { prompt } = prepared;
    await this.#tiers?.stage(prompt, scope, () => this.scheduler.cache.longestPrefix(prompt, scope));
    return prepared;
  }

  /** Ends a request at once, wherever it is. */
  cancel(id: number): void {
    if (!this.#preparing.delete(id)) this.scheduler.cancel(id);
  }

  tokenize(prompt: Prompt): Promise<Int32Array> {
    return this.#tokenizer.tokenize(prompt);
  }

  /** @throws InvalidRequestError for unknown tokens */
  detokenize(tokens: readonly number[]): Uint8Array {
    return detokenize(tokens, this.#open.model.vocabulary);
  }

  /** As batch work that generates one token and leaves its prompt behind. */
  #computePrefix(prompt: Int32Array, onPinned: (kvSequence: number) => void): void {
    this.scheduler.add({
      // Requests count from 1; the output of this one is dropped.
      id: 0,
      prompt,
      maxTokens: 1,
      stop: [],
      lane: "batch",
      arrivedAt: this.#clock(),
      createSampler: () => this.#preparation.createSampler({ temperature: 0, seed: 0 }, prompt),
      onPinned,
    });
  }
}
