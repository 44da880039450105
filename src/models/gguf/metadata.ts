import type { MetadataValue, Scalar, ScalarType } from "./types.ts";

/** Metadata in the making, with the types that llama.cpp expects of each kind of key. */
export class MetadataBuilder {
  readonly entries = new Map<string, MetadataValue>();

  uint32(key: string, value: number): this {
    return this.#scalar(key, "uint32", value);
  }

  float32(key: string, value: number): this {
    return this.#scalar(key, "float32", value);
  }

  bool(key: string, value: boolean): this {
    return this.#scalar(key, "bool", value);
  }

  string(key: string, value: string): this {
    return this.#scalar(key, "string", value);
  }

  strings(key: string, value: readonly string[]): this {
    return this.#array(key, "string", value);
  }

  int32s(key: string, value: readonly number[]): this {
    return this.#array(key, "int32", value);
  }

  float32s(key: string, value: readonly number[]): this {
    return this.#array(key, "float32", value);
  }

  #scalar(key: string, type: ScalarType, value: Scalar): this {
    this.entries.set(key, { type, value });
    return this;
  }

  #array(key: string, of: ScalarType, value: readonly Scalar[]): this {
    this.entries.set(key, { type: "array", of, value });
    return this;
  }
}
