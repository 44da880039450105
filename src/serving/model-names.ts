import { ApiError } from "../errors.ts";
import type { Engine, ModelDescription } from "../inference/engine.ts";

/** An alias of every name that no model has. */
const ANY = "*";

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
      .filter(([name, target]) => name !== ANY && this.#isOwn(target, model))
      .map(([name]) => name);
    return [...new Set([model.name, ...aliases])];
  }

  /**
   * The model behind `name`; the one that is served where a request names none.
   * @throws ApiError `not_found`, as OpenAI's API answers an unknown model
   */
  find(name: string | null | undefined, param = "model"): ModelDescription {
    const model = this.#engine.describe();
    if (name === undefined || name === null || this.#isOwn(name, model)) return model;
    const target = this.#aliases.get(name) ?? this.#aliases.get(ANY);
    if (target !== undefined && (target === ANY || this.#isOwn(target, model))) return model;
    const hint = `MODEL_ALIASES=${/[,=]/.test(name) ? ANY : `${name}=${model.name}`} would serve ${model.name} under this name.`;
    throw new ApiError("not_found", `The model ${JSON.stringify(name)} is not served here. ${hint}`, {
      param,
      details: { available: this.all },
    });
  }

  #isOwn(name: string, model: ModelDescription): boolean {
    return name === model.name || name === this.#requested;
  }
}
