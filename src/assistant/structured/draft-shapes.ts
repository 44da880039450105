import type { NumberShape, StringShape } from "../../inference/constraints/json-program.ts";

/** Shapes before it is known which nodes have a value at all. */
export type DraftShape =
  | { readonly type: "null" }
  | { readonly type: "boolean"; readonly value: boolean }
  | NumberShape
  | StringShape
  | DraftArray
  | DraftObject;

export interface DraftArray {
  readonly type: "array";
  readonly prefix: readonly number[];
  readonly rest: number;
  readonly minItems: number;
  readonly maxItems: number | undefined;
  readonly isUnique: boolean;
  readonly contains:
    | {
        readonly min: number;
        readonly max: number | undefined;
        readonly counted: readonly number[];
        readonly countedRest: number;
        readonly other: readonly number[];
        readonly otherRest: number;
      }
    | undefined;
}

export interface DraftObject {
  readonly type: "object";
  readonly names: ReadonlyArray<{ readonly name: string; readonly node: number }>;
  readonly required: readonly string[];
  readonly forbidden: readonly string[];
  /** `nameCount`: how many names there are of a kind. */
  readonly others: ReadonlyArray<{
    readonly automaton: number | undefined;
    readonly node: number;
    readonly nameCount: number;
  }>;
  readonly minProperties: number;
  readonly maxProperties: number | undefined;
}
