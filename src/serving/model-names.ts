import { ApiError } from "../errors.ts";
import type { Engine, ModelDescription } from "../inference/engine.ts";

/** The name that requests give the served model: its own, or an alias of the configuration. */
export class ModelNames {
  readonly #engine: Engine;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #requested: string;

  /** `aliases` maps a name to the model it stands for; `requested` is how the configuration names the model. */
  constructor(engine: Engine, aliases: ReadonlyMap<string, string>, requested: string) {
    this.#engine = engine;
    this.#aliases = aliases;
    this.#requested = requested;
  }

  /** Every name that is served now, the model's own first. */
  get all(): readonly string[] {
    const model = this.#engine.describe();
    const aliases = [...this.#aliases]
      .filter(([, target]) => this.#isOwn(target, model))
      .map(([name]) => name);
    return [...new Set([model.name, ...aliases])];
  }

  /** The model behind `name`. @throws ApiError `not_found`, as OpenAI's API answers an unknown model */
  find(name: string, param = "model"): ModelDescription {
    const model = this.#engine.describe();
    const target = this.#aliases.get(name);
    if (this.#isOwn(name, model) || (target !== undefined && this.#isOwn(target, model))) return model;
    throw new ApiError("not_found", `The model ${JSON.stringify(name)} is not served here.`, {
      param,
      details: { available: this.all },
    });
  }

  #isOwn(name: string, model: ModelDescription): boolean {
    return name === model.name || name === this.#requested;
  }
}
