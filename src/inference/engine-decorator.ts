import type { CacheView } from "./cache-report.ts";
import type {
  Engine,
  EngineState,
  EngineStats,
  GenerationContext,
  GenerationEvent,
  GenerationRequest,
  ModelDescription,
  Prompt,
} from "./engine.ts";

/** Wraps an engine; subclasses change only how it generates. */
export abstract class EngineDecorator implements Engine {
  protected readonly inner: Engine;

  constructor(inner: Engine) {
    this.inner = inner;
  }

  get state(): EngineState {
    return this.inner.state;
  }

  get stats(): EngineStats {
    return this.inner.stats;
  }

  describe(): ModelDescription {
    return this.inner.describe();
  }

  abstract generate(request: GenerationRequest, context?: GenerationContext): AsyncIterable<GenerationEvent>;

  tokenize(prompt: Prompt, signal?: AbortSignal): Promise<number[]> {
    return this.inner.tokenize(prompt, signal);
  }

  detokenize(tokens: readonly number[], signal?: AbortSignal): Promise<string> {
    return this.inner.detokenize(tokens, signal);
  }

  viewCache(): Promise<CacheView> {
    return this.inner.viewCache();
  }

  close(timeoutMs: number): Promise<void> {
    return this.inner.close(timeoutMs);
  }
}
