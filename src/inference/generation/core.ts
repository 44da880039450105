import { setImmediate } from "node:timers/promises";
import { InvalidRequestError } from "../../errors.ts";
import type { Clock } from "../../platform/clock.ts";
import { TokenForms } from "../constraints/token-forms.ts";
import { TokenMatcher } from "../constraints/token-matcher.ts";
import { TokenTable } from "../constraints/token-table.ts";
import type { GenerationContext, GenerationRequest, Prompt } from "../engine.ts";
import { applyAdapter } from "../llama/adapter.ts";
import { type Llama, type LogLine, loadLlama } from "../llama/bindings.ts";
import { Candidates } from "../llama/candidates.ts";
import { LlamaContext } from "../llama/context.ts";
import { measureMemory } from "../llama/memory-cost.ts";
import { LlamaModel } from "../llama/model.ts";
import { loadProblem } from "../llama/native-library.ts";
import { Sampler } from "../llama/sampler.ts";
import { assertServable, mostSequences } from "../llama/servable.ts";
import { CHECKPOINTS_PER_SEQUENCE } from "../llama/state-checkpoints.ts";
import { placement } from "../machine/cpu-affinity.ts";
import { computeThreads } from "../machine/cpu-limit.ts";
import { availableMemory } from "../machine/memory.ts";
import { ProcessorWait } from "../machine/processor-wait.ts";
import { ThreadGovernor } from "../machine/thread-governor.ts";
import { identityDigest } from "../model-identity.ts";
import { assertWeightsFit } from "../process/memory-fit.ts";
import type { SequenceStart, StepReport } from "../scheduler/report.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { PromptScores, TokenScores } from "../scheduler/scores.ts";
import { planCapacity } from "./capacity.ts";
import { KvTiers } from "./kv-tiers.ts";
import { describeModel } from "./model-description.ts";
import { modelBytes, weightsDigest } from "./model-file.ts";
import { PinnedPrefixes } from "./pinned-prefixes.ts";
import { PromptTokenizer } from "./prompt-tokenizer.ts";
import type { EngineCondition, EngineOptions, LoadedModel } from "./protocol.ts";
import { assertFits, tokenLimit, unknownToken } from "./request-checks.ts";

/** Rows beyond one a sequence that a step may ask logits of. */
const EXTRA_OUTPUTS = 64;
/** Tokens that are turned into text between two steps. */
const DETOKENIZED_AT_ONCE = 4096;
/** Most text that tokens may stand for: a short piece of the vocabulary, asked for often, is far longer than its ids. */
const MAX_TEXT_BYTES = 16 * 2 ** 20;

/** Everything an engine process holds: the model, its context, and the scheduler over them. */
export class EngineCore {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #candidates: Candidates;
  readonly #forms: TokenForms;
  readonly #governor: ThreadGovernor | undefined;
  #threads: number;
  readonly #clock: Clock;
  readonly #pinned: PinnedPrefixes;
  /** Undefined for memories whose sequences can't be saved. */
  readonly #tiers: KvTiers | undefined;
  readonly #tokenizer: PromptTokenizer;
  /** Requests whose tokens and constraint are being made. */
  readonly #preparing = new Set<number>();
  readonly scheduler: Scheduler;
  readonly description: LoadedModel;
  readonly capacity: string;

  /** Loads the model; synchronous. @throws LlamaError */
  constructor(
    options: EngineOptions,
    clock: Clock,
    onProgress: (fraction: number) => void,
    onLog: (line: LogLine) => void,
    onStart?: (start: SequenceStart) => void,
  ) {
    const startedAt = clock();
    this.#clock = clock;
    this.#llama = loadLlama(options.libraryDirectory);
    warnOfMissingAccelerator(this.#llama, onLog);
    // An accelerator's memory is its own; what does not fit there fails when it is loaded.
    const isOffloaded = this.#llama.llama_supports_gpu_offload() && options.gpuLayers !== 0;
    // Before loading: mapped weights are memory that the system still calls available, though every token needs them.
    const memory = availableMemory();
    if (!isOffloaded) assertWeightsFit(modelBytes(options.modelPath), memory);
    this.#model = LlamaModel.load(this.#llama, {
      path: options.modelPath,
      gpuLayers: options.gpuLayers,
      onProgress,
      onLog,
    });
    assertServable(this.#llama, this.#model, options);
    const memoryCost = measureMemory(this.#llama, this.#model, {
      type: options.kvCacheType,
      layout: options.kvLayout,
    });
    const capacity = planCapacity({
      trainingContext: this.#model.trainingContext,
      bytesPerToken: memoryCost.bytesPerToken,
      // States that it can go back to lie beside the one that a sequence is in.
      bytesPerSequence: memoryCost.bytesPerSequence * (1 + CHECKPOINTS_PER_SEQUENCE),
      contextSize: options.contextSize,
      maxSequences: options.maxSequences || (mostSequences(this.#model) ?? 0),
      kvCacheMemory: options.kvCacheMemory,
      availableMemory: isOffloaded ? memory : Math.max(0, memory - this.#model.weightBytes),
      isOffloaded,
    });
    const { sequences, contextPerSequence } = capacity;
    const threads = computeThreads(options.threads);
    if (threads < options.threads)
      onLog({
        level: "warn",
        text: `THREADS=${options.threads} is more than the ${threads} processors here`,
      });
    const cpus = placement(threads);
    this.#governor = options.threads === 0 ? new ThreadGovernor(threads) : undefined;
    this.#threads = threads;
    const batchSize = Math.max(options.batchSize, sequences + EXTRA_OUTPUTS);
    this.#context = new LlamaContext(this.#llama, this.#model, {
      sequences,
      contextPerSequence,
      batchSize,
      maxOutputs: sequences + EXTRA_OUTPUTS,
      threads,
      cpus,
      kvCacheType: options.kvCacheType,
      kvLayout: options.kvLayout,
      onLog,
    });
    if (options.adapter !== undefined)
      applyAdapter(this.#llama, this.#model.handle, this.#context.handle, options.adapter);
    this.#tokenizer = new PromptTokenizer(this.#model.vocabulary);
    this.#candidates = new Candidates(this.#model.vocabulary.size);
    this.#forms = new TokenForms(new TokenTable(this.#model.vocabulary));
    this.description = describeModel(this.#llama, this.#model, {
      adapter:
        options.adapter === undefined
          ? undefined
          : `${weightsDigest(options.adapter.path)} × ${options.adapter.scale}`,
      device: isOffloaded ? "gpu" : "cpu",
      kvCacheType: options.kvCacheType,
      contextWindow: contextPerSequence,
      kvCacheBytesPerToken: memoryCost.bytesPerToken,
      stateBytesPerSequence: memoryCost.bytesPerSequence,
      sequences,
      threads,
      loadMs: clock() - startedAt,
    });
    const kvIdentity = `${identityDigest(this.description)} ${options.kvLayout}`;
    this.#tiers = this.#context.isPlain
      ? new KvTiers({
          hostMemory: options.kvHostMemory,
          disk: options.kvDisk,
          directory: options.kvDirectory,
          identity: kvIdentity,
          availableMemory: memory - this.#model.weightBytes - (isOffloaded ? 0 : capacity.kvCacheBytes),
          onProblem: (text) => onLog({ level: "warn", text }),
        })
      : undefined;
    this.capacity = [capacity.explanation, this.#tiers?.explanation].filter(Boolean).join("; ");
    const processorWait = new ProcessorWait();
    this.scheduler = new Scheduler(this.#context, this.#model.vocabulary, {
      stepTargetMs: options.stepTargetMs,
      speculation: options.speculation,
      clock,
      processorWait: () => processorWait.take(),
      ...(this.#tiers !== undefined && { saved: this.#tiers.saved }),
      ...(onStart !== undefined && { onStart }),
    });
    this.#pinned = new PinnedPrefixes(this.#context, this.scheduler.cache, {
      directory: options.prefixDirectory,
      identity: kvIdentity,
      compute: (tokens, onPinned) => this.#computePrefix(tokens, onPinned),
    });
  }

  /** Runs one step of the scheduler, with as many threads as the machine gives now. */
  step(): StepReport | undefined {
    this.watchMachine();
    const report = this.scheduler.step();
    if (report !== undefined) this.#governor?.observe(this.#clock(), report.computeMs, report.expectedMs);
    return report;
  }

  /** Lets the thread count follow the machine; while no steps run it must be called by a timer. */
  watchMachine(): void {
    if (this.#governor === undefined) return;
    this.#governor.look(this.#clock());
    const { threads } = this.#governor;
    if (threads !== this.#threads) this.#context.setThreads(threads);
    this.#threads = threads;
  }

  /** Keeps on disk what later processes can use; nothing may be asked afterwards. */
  async save(): Promise<void> {
    await this.#tiers?.close(this.scheduler.cache.idleSequences(), this.#clock);
  }

  /** Gives back what the model takes; nothing may be asked afterwards. */
  free(): void {
    this.#context.free();
    this.#model.free();
  }

  /** Keeps a prefix for good; returns what was done, for the log. @throws ApiError when it does not fit */
  async pin(prefix: Prompt): Promise<string> {
    const tokens = await this.tokenize(prefix);
    assertFits(tokens.length, 1, this.#context.contextPerSequence);
    return this.#pinned.pin(tokens);
  }

  /** What the server is told of the engine after each step. */
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
    const { contextPerSequence } = this.#context;
    const fewest = this.#tokenizer.atLeast(request.prompt);
    // Such a prompt is too long whatever its exact count, which could take the tokenizer seconds to find.
    if (fewest > contextPerSequence)
      assertFits(fewest, request.maxTokens ?? 1, contextPerSequence, "at least ");
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
      lane,
      scope: cacheScope,
      arrivedAt,
    });
    if (wasCancelled) this.scheduler.cancel(id);
  }

  /** Tokens, sampler and scores of a request, all checked. */
  async #prepare(request: GenerationRequest, scope: string) {
    const { sampling, logprobs, promptLogprobs, promptLogprobsFrom, shownTexts = [], thoughts } = request;
    const { vocabulary } = this.#model;
    const { contextPerSequence } = this.#context;
    const prompt = await this.tokenize(request.prompt);
    if (prompt.length === 0) throw new InvalidRequestError("The prompt has no tokens.", { param: "prompt" });
    const maxTokens = tokenLimit(request, prompt.length, contextPerSequence);
    const stranger = sampling.logitBias?.find(({ token }) => token < 0 || token >= vocabulary.size);
    if (stranger !== undefined) throw unknownToken(stranger.token, vocabulary.size, "logit_bias");
    await this.#tiers?.stage(prompt, scope, () => this.scheduler.cache.longestPrefix(prompt, scope));
    // Made ready now, so that a bad form is the client's error and not a failure half-way.
    const form = sampling.constraint && this.#forms.get(sampling.constraint);
    const createSampler = () =>
      new Sampler(
        this.#llama,
        this.#context,
        this.#candidates,
        sampling,
        prompt,
        form && new TokenMatcher(form),
      );
    const special = { addSpecial: false, parseSpecial: true };
    return {
      prompt,
      maxTokens,
      shownTokens: vocabulary.specialTokensIn(shownTexts),
      endingTokens: thoughts === undefined ? [] : [...vocabulary.tokenize(thoughts.ending, special)],
      createSampler,
      scores: logprobs === undefined ? undefined : new TokenScores(logprobs, vocabulary),
      promptScores:
        promptLogprobs === undefined
          ? undefined
          : new PromptScores(prompt, promptLogprobs, vocabulary, promptLogprobsFrom),
    };
  }

  /** Ends a request at once, wherever it is. */
  cancel(id: number): void {
    if (!this.#preparing.delete(id)) this.scheduler.cancel(id);
  }

  tokenize(prompt: Prompt): Promise<Int32Array> {
    return this.#tokenizer.tokenize(prompt);
  }

  /** Works in pieces, between which streams go on. @throws InvalidRequestError for unknown tokens and too long a text */
  async detokenize(tokens: readonly number[]): Promise<string> {
    const { vocabulary } = this.#model;
    const stranger = tokens.find((token) => token < 0 || token >= vocabulary.size);
    if (stranger !== undefined) throw unknownToken(stranger, vocabulary.size, "tokens");
    const pieces: Buffer[] = [];
    let bytes = 0;
    for (let start = 0; start < tokens.length; start += DETOKENIZED_AT_ONCE) {
      if (start > 0) await setImmediate();
      const piece = Buffer.concat(
        tokens.slice(start, start + DETOKENIZED_AT_ONCE).map((token) => vocabulary.piece(token)),
      );
      bytes += piece.length;
      if (bytes > MAX_TEXT_BYTES) {
        const message = `The tokens stand for more than ${MAX_TEXT_BYTES / 2 ** 20} MiB of text: send fewer at once.`;
        throw new InvalidRequestError(message, { param: "tokens" });
      }
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  /** As batch work that generates one token and leaves its prompt behind. */
  #computePrefix(prompt: Int32Array, onPinned: (kvSequence: number) => void): void {
    const sampling = { temperature: 0, seed: 0 };
    this.scheduler.add({
      // Requests count from 1; nobody waits for the output of this one.
      id: 0,
      prompt,
      maxTokens: 1,
      stop: [],
      lane: "batch",
      arrivedAt: this.#clock(),
      createSampler: () => new Sampler(this.#llama, this.#context, this.#candidates, sampling, prompt),
      onPinned,
    });
  }
}

/** An installed GPU build without the GPU's own libraries computes on the processor, which must not go unsaid. */
function warnOfMissingAccelerator(llama: Llama, onLog: (line: LogLine) => void): void {
  const { accelerator } = llama.libraries;
  if (accelerator === undefined || llama.llama_supports_gpu_offload()) return;
  const reason = loadProblem(accelerator) ?? "it found no device";
  onLog({ level: "warn", text: `The GPU is not used, the processor computes: ${reason}` });
}
