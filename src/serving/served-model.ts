import { Assistant } from "../assistant/assistant.ts";
import type { ConstraintCompiler } from "../assistant/constraint-compiler.ts";
import { type ChatModel, chatModel } from "../assistant/template/chat-model.ts";
import type { ChatTemplate } from "../assistant/template/template.ts";
import { ApiError } from "../errors.ts";
import type { Engine, EngineState, ModelDescription } from "../inference/engine.ts";
import { EngineSlot } from "../inference/engine-slot.ts";
import { unavailable } from "../inference/unavailable.ts";
import type { ModelPolicy, PooledModel } from "./pooled-model.ts";

/** An engine that can be started, in a process of its own. */
export interface StartableEngine extends Engine {
  /** Resolves once the model is loaded. @throws Error that says why it can't be */
  start(): Promise<void>;
  /** Bytes of memory that its process takes now; undefined where the system doesn't say. */
  readonly memoryBytes: number | undefined;
  /** Whether it has given its KV cache back until it is asked. */
  readonly isAsleep: boolean;
  /** @throws ApiError `conflict` while requests run */
  sleep(): Promise<void>;
  wake(): Promise<void>;
}

/** A LoRA adapter, and how much of it is applied. */
export interface AdapterFile {
  readonly path: string;
  readonly scale: number;
}

/** A model's files, ready to be loaded. */
export interface FoundModel {
  /** What it is expected to take in memory, before it has been measured. */
  readonly estimatedBytes: number;
  /** What changes the weights; undefined for a model by itself. */
  readonly adapter?: AdapterFile | undefined;
  createEngine(): StartableEngine;
}

export interface ServedModelOptions {
  /** As the configuration names it. */
  readonly name: string;
  /** Further names that requests may give models, each with the model it stands for. */
  readonly aliases: ReadonlyMap<string, string>;
  /** The model whose weights an adapter changes, where this is one. */
  readonly adapterOf: string | undefined;
  readonly policy: ModelPolicy;
  /** Finds the files, downloading and converting them where needed. */
  readonly find: (
    onProgress: (phase: string, progress: number) => void,
    signal: AbortSignal,
  ) => Promise<FoundModel>;
  readonly onLoaded: (description: ModelDescription) => void;
  /** What comes before the model's engine, whichever process runs it. */
  readonly wrap: (engine: Engine) => Engine;
  /** Draws a 32-bit seed. */
  readonly randomSeed: () => number;
  readonly constraints: ConstraintCompiler;
}

/** A model as requests see it, in memory or not. */
export class ServedModel implements PooledModel, ChatModel {
  readonly name: string;
  readonly adapterOf: string | undefined;
  readonly policy: ModelPolicy;
  readonly engine: Engine;
  /** Conversations. */
  readonly assistant: Assistant;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #slot = new EngineSlot();
  readonly #find: ServedModelOptions["find"];
  readonly #onLoaded: ServedModelOptions["onLoaded"];
  readonly #chat: ChatModel;
  #found: FoundModel | undefined;
  #running: StartableEngine | undefined;
  #measuredBytes: number | undefined;
  #description: ModelDescription | undefined;

  constructor(options: ServedModelOptions) {
    this.name = options.name;
    this.#aliases = options.aliases;
    this.adapterOf = options.adapterOf;
    this.policy = options.policy;
    this.#find = options.find;
    this.#onLoaded = options.onLoaded;
    this.engine = options.wrap(this.#slot);
    this.#chat = chatModel(this.engine);
    this.assistant = new Assistant(this.#chat, options.randomSeed, options.constraints);
  }

  /** Known once it has been found. */
  get adapter(): AdapterFile | undefined {
    return this.#found?.adapter;
  }

  get state(): EngineState {
    return this.#slot.state;
  }

  /** Facts of the model, as it was loaded the last time; undefined before the first. */
  get description(): ModelDescription | undefined {
    return this.#description;
  }

  get template(): ChatTemplate {
    return this.#chat.template;
  }

  /** Every name that is listed, its own first. It also answers to `name`, the configuration's name for it. */
  get names(): readonly string[] {
    const own = this.#description?.name ?? this.name;
    const aliases = [...this.#aliases].filter(([, target]) => target === own || target === this.name);
    return [...new Set([own, ...aliases.map(([alias]) => alias)])];
  }

  get bytesNeeded(): number | undefined {
    return this.#measuredBytes ?? this.#found?.estimatedBytes;
  }

  get progress(): number {
    return this.state.status === "preparing" ? this.state.progress : 0;
  }

  get isBroken(): boolean {
    return this.state.status === "failed";
  }

  get isAsleep(): boolean {
    return this.#running?.isAsleep === true;
  }

  /** Gives the KV cache back until the next request; the weights stay. @throws ApiError `conflict` while requests run or where it is not loaded */
  async sleep(): Promise<void> {
    if (this.#running === undefined || this.state.status !== "ready")
      throw new ApiError("conflict", `The model ${this.name} is not loaded.`, { param: "id" });
    this.#measure();
    await this.#running.sleep();
  }

  /** Gets it ready before a request needs it. @throws UnavailableError where the memory is gone */
  async wake(): Promise<void> {
    if (this.isAsleep) await this.#running?.wake();
  }

  get refusal(): Error {
    return unavailable(this.state);
  }

  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#found !== undefined) return;
    this.#slot.progressed("resolving", 0);
    try {
      this.#found = await this.#find((phase, progress) => this.#slot.progressed(phase, progress), signal);
      this.#slot.progressed("waiting", 0);
    } catch (error) {
      this.#slot.failed((error as Error).message);
      throw error;
    }
  }

  async load(signal: AbortSignal): Promise<void> {
    if (this.#found === undefined) throw new Error(`${this.name} is loaded before it was found`);
    const engine = this.#found.createEngine();
    const giveUp = () => void engine.close(0);
    signal.addEventListener("abort", giveUp, { once: true });
    this.#slot.fill(engine);
    this.#running = engine;
    try {
      await engine.start();
      this.#description = engine.describe();
      this.#measure();
      this.#onLoaded(this.#description);
    } catch (error) {
      // The file may have changed: the next attempt looks for it again.
      this.#found = undefined;
      this.#running = undefined;
      this.#slot.failed((error as Error).message);
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  async unload(drainMs: number): Promise<void> {
    this.#measure();
    this.#running = undefined;
    await this.#slot.empty(drainMs);
  }

  /** Unloads it for the last time. */
  async close(drainMs: number): Promise<void> {
    await this.#slot.close(drainMs);
  }

  /** The most it has taken: pages of the KV cache and the weights are taken as they are touched. */
  #measure(): void {
    const now = this.#running?.memoryBytes;
    if (now !== undefined) this.#measuredBytes = Math.max(now, this.#measuredBytes ?? 0);
  }
}
