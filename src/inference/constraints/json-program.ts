/**
 * What a JSON value has to look like, as plain data that travels to the engine: a graph of nodes, each a choice of
 * shapes. Every shape has at least one value, so a matcher that keeps to the graph never gets stuck.
 */
import type { Automaton } from "./automaton.ts";

export interface NumberShape {
  readonly type: "number";
  /** Decimal texts, which keep bounds exact. */
  readonly min?: string;
  readonly max?: string;
  readonly excludesMin?: boolean;
  readonly excludesMax?: boolean;
  /** "1" for whole numbers. */
  readonly multipleOf?: string;
  /** Numbers that are not meant, as decimal texts. */
  readonly not?: readonly string[];
  /** Must not be a whole number. */
  readonly isFractional?: boolean;
  /** The only numbers there are, sorted as texts. */
  readonly texts?: readonly string[];
}

/** Lengths in characters; `automaton` is an index. */
export interface StringShape {
  readonly type: "string";
  readonly minLength: number;
  readonly maxLength?: number;
  readonly automaton?: number;
  /** The only strings there are, sorted. */
  readonly texts?: readonly string[];
}

export interface ArrayShape {
  readonly type: "array";
  /** Nodes of the first items, and of those after them; -1 where none may follow. */
  readonly prefix: readonly number[];
  readonly rest: number;
  readonly minItems: number;
  readonly maxItems?: number;
  readonly isUnique?: boolean;
  readonly contains?: ContainsRule;
}

/** Nodes of items that count, and of those that do not; -1 where an item can't be so. */
export interface ContainsRule {
  readonly min: number;
  readonly max?: number;
  readonly counted: readonly number[];
  readonly countedRest: number;
  readonly other: readonly number[];
  readonly otherRest: number;
}

export interface ObjectShape {
  readonly type: "object";
  /** Properties that may be there, in the order in which they are written. */
  readonly names: readonly string[];
  readonly nodes: readonly number[];
  readonly required: readonly boolean[];
  /** Names that may not be used. */
  readonly forbidden: readonly string[];
  /** What other properties may be called and hold: disjoint sets of names, all of them where `automaton` is left out. */
  readonly others: ReadonlyArray<{ readonly automaton?: number; readonly node: number }>;
  /** How many names these are; left out where there is no end of them. */
  readonly otherNames?: number;
  readonly minProperties: number;
  readonly maxProperties?: number;
}

export type Shape =
  | { readonly type: "null" }
  | { readonly type: "boolean"; readonly value: boolean }
  | NumberShape
  | StringShape
  | ArrayShape
  | ObjectShape;

export interface JsonProgram {
  /** Shapes of each node. */
  readonly nodes: ReadonlyArray<readonly number[]>;
  readonly shapes: readonly Shape[];
  readonly automata: readonly Automaton[];
  /**
   * It is kept to as a writer does: properties in the order of `names` with others after them, listed texts and names
   * without needless escapes, numbers with bounds without exponents. Otherwise as a validator does.
   */
  readonly isForWriting: boolean;
}
