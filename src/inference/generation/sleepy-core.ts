import { UnavailableError } from "../../errors.ts";
import type { Clock } from "../../platform/clock.ts";
import { LlamaError } from "../llama/errors.ts";
import { trimHeap } from "../llama/heap-trim.ts";
import { type CoreReports, EngineCore } from "./core.ts";
import { openModel } from "./open-model.ts";
import type { EngineOptions, LoadedModel } from "./protocol.ts";

export interface SleepReports extends CoreReports {
  readonly onAwake: (model: LoadedModel) => void;
}

/**
 * An engine's core that gives its KV cache, buffers and kept sequences back while nothing is asked of it. The weights
 * stay mapped, and what asks for the core next makes a context of the same size.
 */
export class SleepyCore {
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #reports: SleepReports;
  #core: EngineCore;
  #isAsleep = false;
  /** Settled once the core has what it needs to be asked, or has given it back. */
  #changing: Promise<void> = Promise.resolve();

  /** Loads the model; synchronous. @throws LlamaError */
  constructor(options: EngineOptions, clock: Clock, reports: SleepReports) {
    this.#options = options;
    this.#clock = clock;
    this.#reports = reports;
    this.#core = new EngineCore(options, openModel(options, clock, reports), clock, reports);
  }

  /** Undefined while it sleeps. */
  get awake(): EngineCore | undefined {
    return this.#isAsleep ? undefined : this.#core;
  }

  /** The core, woken where it sleeps. @throws UnavailableError where the memory is gone */
  async wake(): Promise<EngineCore> {
    await this.#changing;
    if (!this.#isAsleep) return this.#core;
    this.#core = this.#reopened();
    this.#isAsleep = false;
    this.#reports.onAwake(this.#core.description);
    return this.#core;
  }

  #reopened(): EngineCore {
    const { model, description } = this.#core;
    const { contextWindow: contextSize, sequences: maxSequences } = description;
    const options = { ...this.#options, contextSize, maxSequences };
    try {
      const open = openModel(options, this.#clock, this.#reports, model);
      return new EngineCore(options, open, this.#clock, this.#reports);
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      throw new UnavailableError("model_unavailable", `The model sleeps and can't wake: ${error.message}`);
    }
  }

  /** Gives back what it can make anew; `false` where it has work. Sequences that are worth it go to disk. */
  async sleep(): Promise<boolean> {
    await this.#changing;
    if (this.#isAsleep) return true;
    if (!this.#core.isIdle) return false;
    // From here on no step runs, and what is asked waits.
    this.#isAsleep = true;
    this.#changing = this.#core.save().finally(() => {
      this.#core.freeContext();
      trimHeap();
    });
    await this.#changing;
    return true;
  }

  /** Keeps on disk what later processes can use; nothing may be asked afterwards. */
  async save(): Promise<void> {
    await this.#changing;
    if (!this.#isAsleep) await this.#core.save();
  }
}
