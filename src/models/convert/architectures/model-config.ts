import { ModelError } from "../../errors.ts";
import { isArray, isObject, type Json, type JsonObject } from "../json.ts";

/** No dimension of a real model comes near; products of three still are exact in a double. */
const maxDimension = 1 << 24;

/** Typed access to a checkpoint's config.json; a wrong or missing value is an error that names the key. */
export class ModelConfig {
  readonly #values: JsonObject;

  constructor(values: JsonObject) {
    this.#values = values;
  }

  /** The first of `architectures`: the class that wrote the checkpoint. */
  get className(): string {
    const names = this.#values["architectures"];
    const name = isArray(names) ? names[0] : undefined;
    return typeof name === "string" ? name : this.refuse("config.json names no architecture");
  }

  /** A dimension or count, by the first of `keys` that is set. */
  size(...keys: readonly [string, ...string[]]): number {
    return this.optionalSize(...keys) ?? this.refuse(`config.json lacks ${keys[0]}`);
  }

  optionalSize(...keys: readonly string[]): number | undefined {
    const key = keys.find((candidate) => this.#values[candidate] != null);
    if (key === undefined) return undefined;
    const value = this.#values[key];
    const isSize = typeof value === "number" && Number.isInteger(value) && value > 0 && value <= maxDimension;
    return isSize ? value : this.refuse(`${key} is ${JSON.stringify(value)}; a positive integer is expected`);
  }

  number(key: string, fallback: number): number {
    return numberIn(this.#values, key) ?? fallback;
  }

  flag(key: string): boolean | undefined {
    const value = this.#values[key];
    return typeof value === "boolean" ? value : undefined;
  }

  text(key: string): string | undefined {
    const value = this.#values[key];
    return typeof value === "string" ? value : undefined;
  }

  object(key: string): JsonObject | undefined {
    const value = this.#values[key];
    return isObject(value) ? value : undefined;
  }

  /** Undefined where it is not a list of numbers. */
  numbers(key: string): readonly number[] | undefined {
    const value = this.#values[key];
    if (!isArray(value)) return undefined;
    const numbers = value.filter((item) => typeof item === "number");
    return numbers.length === value.length ? numbers : undefined;
  }

  /** Undefined where it is not a list of texts. */
  texts(key: string): readonly string[] | undefined {
    const value = this.#values[key];
    if (!isArray(value)) return undefined;
    const texts = value.filter((item) => typeof item === "string");
    return texts.length === value.length ? texts : undefined;
  }

  hasItems(key: string): boolean {
    const value = this.#values[key];
    return isArray(value) && value.length > 0;
  }

  /** A token id, or the first of several. */
  tokenId(key: string): number | undefined {
    const value = this.#values[key];
    const first: Json | undefined = isArray(value) ? value[0] : value;
    return typeof first === "number" && Number.isInteger(first) && first >= 0 ? first : undefined;
  }

  refuse(why: string): never {
    throw new ModelError("invalid_checkpoint", `The checkpoint can't be converted: ${why}`);
  }

  /** For what the checkpoint asks of the engine and the engine does not compute. */
  unsupported(what: string): never {
    throw new ModelError(
      "unsupported_architecture",
      `The checkpoint uses ${what}, which conversion does not support. Choose a repository with GGUF files of this model`,
    );
  }
}

export function numberIn(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
