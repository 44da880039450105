import { BoundsError, TemplateError } from "./values.ts";

/** What a template may do: it is an untrusted program, and conversations are large. */
export interface Bounds {
  readonly steps: number;
  /** Characters of any text that it makes. */
  readonly characters: number;
}

/** Calls within calls: far more than schemas nest, and few enough for this thread's stack. */
const MAX_CALL_DEPTH = 200;

/** Counts what one run of a template does. Every method throws a TemplateError where that is more than it may do. */
export class Budget {
  readonly #bounds: Bounds;
  #steps = 0;
  #callDepth = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  step(): void {
    if (++this.#steps > this.#bounds.steps) throw tooMuch();
  }

  /** Runs a macro's body. */
  within(body: () => string): string {
    if (this.#callDepth >= MAX_CALL_DEPTH) throw new TemplateError("a macro calls itself without end");
    this.#callDepth++;
    const text = body();
    this.#callDepth--;
    return text;
  }

  /** Returns `text`, which is not too long. */
  bounded(text: string): string {
    if (text.length > this.#bounds.characters) throw tooMuch();
    return text;
  }

  repeated(text: string, times: number): string {
    if (text.length * times > this.#bounds.characters) throw tooMuch();
    return text.repeat(Math.max(0, times));
  }
}

function tooMuch(): BoundsError {
  return new BoundsError("the template takes too long, or writes too much");
}
