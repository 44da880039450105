import type { EngineStats } from "../engine.ts";
import type { StepNews } from "./protocol.ts";

type LatestStep = Pick<StepNews, "kvCacheUsage" | "prefixCacheHitTokens" | "threads">;

const noStep: LatestStep = { kvCacheUsage: 0, prefixCacheHitTokens: 0, threads: 0 };

/** What steps add up to since the server's start; a process of the engine counts from its own. */
export class StepTotals {
  #restarts = 0;
  #cacheHitsBefore = 0;
  #stepMs = 0;
  #computeMs = 0;
  #decodeSteps = 0;
  #decodePasses = 0;
  #kvLayoutChanges = 0;
  #latest = noStep;

  observe(step: StepNews): void {
    this.#latest = step;
    this.#stepMs += step.stepMs;
    this.#computeMs += step.computeMs;
    this.#decodeSteps += step.decodeSteps;
    this.#decodePasses += step.decodePasses;
  }

  layoutChanged(): void {
    this.#kvLayoutChanges++;
  }

  /** The process ended, and its counts with it. */
  restarted(): void {
    this.#restarts++;
    this.#cacheHitsBefore += this.#latest.prefixCacheHitTokens;
    this.#latest = noStep;
  }

  get stats(): Omit<EngineStats, "queueDepth" | "runningSequences" | "sharedKvCaches"> {
    return {
      kvCacheUsage: this.#latest.kvCacheUsage,
      prefixCacheHitTokens: this.#cacheHitsBefore + this.#latest.prefixCacheHitTokens,
      restarts: this.#restarts,
      threads: this.#latest.threads,
      stepMs: this.#stepMs,
      computeMs: this.#computeMs,
      decodeSteps: this.#decodeSteps,
      decodePasses: this.#decodePasses,
      kvLayoutChanges: this.#kvLayoutChanges,
    };
  }
}
