import { InvalidRequestError } from "../../errors.ts";
import type { Automaton } from "../../inference/constraints/automaton.ts";
import type { JsonProgram } from "../../inference/constraints/json-program.ts";
import { arrayShape } from "./array-shapes.ts";
import { determinize } from "./automata.ts";
import { isObject, type Located, SchemaDocument } from "./document.ts";
import type { DraftShape } from "./draft-shapes.ts";
import { tooComplex, UnsupportedKeywordError, unsatisfiable } from "./errors.ts";
import { Expansion } from "./expansion.ts";
import { assertBounded } from "./limits.ts";
import { buildNfa } from "./nfa.ts";
import { objectShapes } from "./object-shapes.ts";
import { type Literal, type Part, TYPE } from "./part.ts";
import { areLiving, programOf } from "./program.ts";
import { AutomatonPool, nameLanguage, numberShape, stringShape } from "./scalar-shapes.ts";

const MAX_NODES = 20_000;
/** How deep two schemas are compared to see that no value satisfies both, and how often for one schema. */
const DISJOINT_DEPTH = 3;
const MAX_COMPARISONS = 400;

export interface SchemaOptions {
  /** How errors name the schema. */
  readonly path: string;
  /** Leave out what can't be held, for a schema that is advice and not a promise. */
  readonly isLenient?: boolean;
  /** Take properties in any order, and those that the schema does not mention: as a validator, not as a writer. */
  readonly isValidator?: boolean;
}

/**
 * What a JSON value has to look like to satisfy a schema.
 * @throws InvalidRequestError naming schema and keyword for what can't be held, or what nothing satisfies
 */
export function schemaProgram(schema: unknown, options: SchemaOptions): JsonProgram {
  assertBounded(schema, options.path);
  try {
    return new SchemaCompiler(schema, options).compile();
  } catch (error) {
    if (options.isLenient !== true || !(error instanceof InvalidRequestError)) throw error;
    // Nothing of it can be held as a whole: any object of the kind that it asks for.
    const type = isObject(schema) && schema["type"] === "object" ? { type: "object" } : true;
    return new SchemaCompiler(type, options).compile();
  }
}

/** Any JSON object. */
export function objectProgram(): JsonProgram {
  return schemaProgram({ type: "object" }, { path: "" });
}

class SchemaCompiler {
  readonly #options: SchemaOptions;
  readonly #document: SchemaDocument;
  readonly #expansion: Expansion;
  readonly #pool = new AutomatonPool();
  readonly #nodes = new Map<string, number>();
  readonly #literals: Array<readonly Literal[]> = [];
  readonly #disjoint = new Map<string, boolean>();
  readonly #parts = new Map<string, readonly Part[]>();
  #comparisons = 0;

  constructor(schema: unknown, options: SchemaOptions) {
    this.#options = options;
    this.#document = new SchemaDocument(schema, options.path);
    const reading = {
      document: this.#document,
      structures: new Map<object, object>(),
      areDisjoint: (a: Located, b: Located) => this.#areDisjoint(a, b),
    };
    this.#expansion = new Expansion(reading, { isLenient: options.isLenient === true });
  }

  compile(): JsonProgram {
    const { root } = this.#document;
    const start = this.#nodeOf([{ located: root, isNegated: false }]);
    const drafts: DraftShape[][] = [];
    for (let node = 0; node < this.#literals.length; node++) {
      const literals = this.#literals[node] ?? [];
      drafts.push(this.#partsOf(literals).flatMap((part) => this.#shapes(part, literals)));
    }
    const living = areLiving(drafts);
    if (living[start] !== true) {
      if (!this.#expansion.isNarrowed) throw unsatisfiable(root.path);
      throw new UnsupportedKeywordError(
        root.path,
        "",
        "what is left of it after not and oneOf can't be held",
      );
    }
    return programOf(drafts, living, this.#pool.automata, this.#options.isValidator !== true);
  }

  #key(literals: readonly Literal[]): string {
    const ids = literals.map(({ located, isNegated }) => located.id * 2 + (isNegated ? 1 : 0));
    return [...new Set(ids)].sort((a, b) => a - b).join();
  }

  readonly #nodeOf = (literals: readonly Literal[]): number => {
    // What always holds says nothing.
    const telling = literals.filter(({ located, isNegated }) => located.schema !== !isNegated);
    const key = this.#key(telling);
    let node = this.#nodes.get(key);
    if (node === undefined) {
      if (this.#literals.length >= MAX_NODES) throw tooComplex(this.#options.path);
      node = this.#literals.push(telling) - 1;
      this.#nodes.set(key, node);
    }
    return node;
  };

  #partsOf(literals: readonly Literal[]): readonly Part[] {
    const key = this.#key(literals);
    let parts = this.#parts.get(key);
    if (parts === undefined) {
      parts = this.#expansion.partsOf(literals);
      this.#parts.set(key, parts);
    }
    return parts;
  }

  #shapes(part: Part, literals: readonly Literal[]): readonly DraftShape[] {
    const path = literals[0]?.located.path ?? this.#options.path;
    const shapes: DraftShape[] = [];
    const has = (type: number) => (part.types & type) !== 0;
    if (has(TYPE.null)) shapes.push({ type: "null" });
    if (has(TYPE.true)) shapes.push({ type: "boolean", value: true });
    if (has(TYPE.false)) shapes.push({ type: "boolean", value: false });
    const number = has(TYPE.number) ? numberShape(part) : undefined;
    if (number !== undefined) shapes.push(number);
    const string = has(TYPE.string)
      ? this.#orAny(() => stringShape(part, this.#pool, path), { type: "string", minLength: 0 })
      : undefined;
    if (string !== undefined) shapes.push(string);
    if (has(TYPE.array))
      shapes.push(...this.#orAny(() => [arrayShape(part, path, this.#nodeOf)], this.#anyOf(TYPE.array)));
    if (has(TYPE.object)) {
      const context = {
        path,
        pool: this.#pool,
        leavesOutUnmentioned: this.#options.isValidator !== true,
        nodeOf: this.#nodeOf,
        namesBy: (rules: readonly Literal[]) => this.#namesBy(rules, path),
      };
      if (part.someOther.length > 0) this.#expansion.isNarrowed = true;
      shapes.push(...this.#orAny(() => objectShapes(part, context), this.#anyOf(TYPE.object)));
    }
    return shapes;
  }

  /** Where a schema is advice, what can't be held is left to the model. */
  #orAny<T>(make: () => T, otherwise: T): T {
    try {
      return make();
    } catch (error) {
      if (this.#options.isLenient !== true || !(error instanceof UnsupportedKeywordError)) throw error;
      return otherwise;
    }
  }

  #anyOf(type: number): readonly DraftShape[] {
    const any = this.#nodeOf([]);
    if (type === TYPE.array)
      return [
        {
          type: "array",
          prefix: [],
          rest: any,
          minItems: 0,
          maxItems: undefined,
          isUnique: false,
          contains: undefined,
        },
      ];
    const others = [{ automaton: undefined, node: any, nameCount: Number.POSITIVE_INFINITY }];
    return [
      {
        type: "object",
        names: [],
        required: [],
        forbidden: [],
        others,
        minProperties: 0,
        maxProperties: undefined,
      },
    ];
  }

  #namesBy(rules: readonly Literal[], path: string): Automaton | undefined {
    const languages: Automaton[] = [];
    for (const part of this.#partsOf(rules)) {
      const language = (part.types & TYPE.string) === 0 ? undefined : nameLanguage(part, this.#pool, path);
      if (language !== undefined) languages.push(language);
    }
    const [first] = languages;
    if (languages.length < 2) return first;
    const items = languages.map((automaton) => ({ type: "automaton", automaton }) as const);
    return this.#pool.make(path, () => determinize(buildNfa({ type: "choice", items })));
  }

  #areDisjoint(a: Located, b: Located): boolean {
    const key = a.id < b.id ? `${a.id},${b.id}` : `${b.id},${a.id}`;
    let known = this.#disjoint.get(key);
    if (known === undefined) {
      // While it is being found out, the careful answer.
      this.#disjoint.set(key, false);
      known =
        ++this.#comparisons <= MAX_COMPARISONS &&
        this.#isEmpty(
          [a, b].map((located) => ({ located, isNegated: false })),
          DISJOINT_DEPTH,
        );
      this.#disjoint.set(key, known);
    }
    return known;
  }

  /** Whether no value satisfies schemas, as far as their required properties tell. */
  #isEmpty(literals: readonly Literal[], depth: number): boolean {
    return this.#partsOf(literals).every((part) => {
      if ((part.types & ~TYPE.object & ~TYPE.number & ~TYPE.string) !== 0) return false;
      if ((part.types & TYPE.number) !== 0 && numberShape(part) !== undefined) return false;
      if ((part.types & TYPE.string) !== 0 && stringShape(part, this.#pool, this.#options.path) !== undefined)
        return false;
      if ((part.types & TYPE.object) === 0) return true;
      if (depth === 0) return false;
      return part.required.some((name) => {
        const rules = part.keyRules.filter(
          (rule) =>
            (rule.kind === "name" && rule.name === name) ||
            (rule.kind === "rest" && rule.patterns.length === 0 && !rule.names.has(name)),
        );
        return (
          (rules.length > 1 &&
            this.#isEmpty(
              rules.map(({ literal }) => literal),
              depth - 1,
            )) ||
          rules.some(({ literal: { located, isNegated } }) => located.schema === isNegated)
        );
      });
    });
  }
}
