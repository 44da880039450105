import { ApiError } from "../errors.ts";
import { type Lease, type LeaseOptions, ModelPool, type ModelPoolOptions } from "./model-pool.ts";
import type { ServedModel } from "./served-model.ts";

/** An alias of every name that no model has, for the first model. */
const ANY = "*";

/** The models of a server by the names that requests give them, and their places in memory. */
export class ServedModels extends ModelPool<ServedModel> {
  readonly #models: readonly ServedModel[];
  readonly #default: ServedModel;
  readonly #answersToAny: boolean;

  /** The first of the models answers requests that name none. */
  constructor(options: ModelPoolOptions<ServedModel>, aliases: ReadonlyMap<string, string>) {
    super(options);
    this.#answersToAny = aliases.has(ANY);
    const [first] = options.models;
    if (first === undefined) throw new Error("a server without models");
    this.#models = options.models;
    this.#default = first;
  }

  /** Answers requests that name no model; always in memory. */
  get default(): ServedModel {
    return this.#default;
  }

  get all(): readonly ServedModel[] {
    return this.#models;
  }

  /**
   * The model behind `name`; the first one where a request names none.
   * @throws ApiError `not_found`, as OpenAI's API answers an unknown model
   */
  find(name: string | null | undefined, param = "model"): ServedModel {
    if (name === undefined || name === null) return this.#default;
    const model =
      this.#models.find((candidate) => candidate.name === name || candidate.names.includes(name)) ??
      (this.#answersToAny ? this.#default : undefined);
    if (model !== undefined) return model;
    // Before it is loaded for the first time its own name may be unknown.
    if (this.#default.description === undefined) throw this.#default.refusal;
    const own = this.#default.names[0] ?? this.#default.name;
    const hint = `MODEL_ALIASES=${/[,=]/.test(name) ? ANY : `${name}=${own}`} would serve ${own} under this name.`;
    throw new ApiError("not_found", `The model ${JSON.stringify(name)} is not served here. ${hint}`, {
      param,
      details: { available: this.#models.flatMap(({ names }) => names) },
    });
  }

  /** `name`'s model, held in memory until the lease is disposed of. @throws as `find` and `lease` do */
  leaseNamed(name: string | null | undefined, options: LeaseOptions): Promise<Lease<ServedModel>> {
    return this.lease(this.find(name), options);
  }
}
