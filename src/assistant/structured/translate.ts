import { InvalidRequestError } from "../../errors.ts";
import { arrayRule } from "./array.ts";
import { areExclusive, mayOverlap } from "./disjoint.ts";
import { alternatives, type Grammar } from "./gbnf.ts";
import * as json from "./json-text.ts";
import { checkKeywords, understoodKeywords } from "./keywords.ts";
import { lookUp, merge } from "./merge.ts";
import { numberRule } from "./number.ts";
import { objectRule } from "./object.ts";
import {
  annotations,
  isObject,
  type JsonSchema,
  SCHEMA_LIMITS,
  type SchemaObject,
  UnsatisfiableError,
  UnsupportedError,
  unsatisfiable,
  unsupported,
} from "./schema.ts";
import { stringRule } from "./string.ts";
import { inferTypes, typesOf } from "./types.ts";
import { listedValues } from "./values.ts";

/** Ways in which one text may be read at once: each is a stack that sampling follows, for every token. */
const MAX_AMBIGUITY = 64;
/** A grammar can't say "by exactly one". */
const NOT_EXCLUSIVE =
  "its branches may be valid at once; give them different types or a constant, or use anyOf";

/** Walks one schema. A `$ref` is one rule, however often and from wherever it is named. */
export class Translator {
  readonly #grammar: Grammar;
  readonly #root: JsonSchema;
  readonly #isLenient: boolean;
  readonly #references = new Map<
    string,
    { readonly rule: string; readonly openChoices: number; readonly containers: number; isDone: boolean }
  >();
  /** How many ways an expression's texts can be read at once, where it is more than one. */
  readonly #ambiguity = new Map<string, number>();
  /** Overlapping choices that enclose what is being visited. */
  #openChoices = 0;
  /** Objects and arrays that do. */
  #containers = 0;
  #visits = 0;
  #depth = 0;

  constructor(grammar: Grammar, root: JsonSchema, isLenient: boolean) {
    this.#grammar = grammar;
    this.#root = root;
    this.#isLenient = isLenient;
  }

  readonly visit = (schema: JsonSchema, path: string): string => {
    if (++this.#visits > SCHEMA_LIMITS.visits)
      throw new InvalidRequestError(`${path}: the schema is too complex.`, { param: path });
    if (++this.#depth > SCHEMA_LIMITS.depth)
      throw unsupported(path, "nesting", `${SCHEMA_LIMITS.depth} levels are the most`);
    try {
      if (schema === true) return json.value(this.#grammar);
      if (schema === false) throw unsatisfiable(path, "nothing is valid by false");
      return this.#isLenient ? this.#visitAdvice(schema, path) : this.#visitObject(schema, path);
    } finally {
      this.#depth--;
    }
  };

  /** Without the keywords that turn out to be beyond a grammar; what can't be saved so is any JSON. */
  #visitAdvice(given: SchemaObject, path: string): string {
    const [openChoices, containers] = [this.#openChoices, this.#containers];
    let left = given;
    for (;;) {
      try {
        return this.#visitObject(left, path);
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        this.#openChoices = openChoices;
        this.#containers = containers;
        // `allOf[1].not` of a part that was merged in is a fault of the `allOf`.
        const fault = `${error.schemaPath}.${error.keyword}`.slice(path.length + 1).split(/[.[]/, 1)[0] ?? "";
        if (!Object.hasOwn(left, fault))
          return left["type"] === "object" ? json.object(this.#grammar) : json.value(this.#grammar);
        left = Object.fromEntries(Object.entries(left).filter(([keyword]) => keyword !== fault));
      }
    }
  }

  #visitObject(given: SchemaObject, path: string): string {
    const own = this.#checked(given, path);
    const keywords = Object.keys(own).filter((keyword) => !annotations.has(keyword));
    if (keywords.length === 1 && keywords[0] === "$ref") return this.#reference(own["$ref"], path);
    const schema = this.#flatten(own, path);
    for (const choice of ["anyOf", "oneOf"] as const) {
      if (schema[choice] !== undefined) return this.#choose(choice, schema, path);
    }
    if ("const" in schema || "enum" in schema) return listedValues(this.#grammar, schema, path);
    const types = typesOf(schema) ?? inferTypes(schema);
    if (types === undefined) return json.value(this.#grammar);
    return this.#remember(
      types.map((type) => this.#typed(type, schema, path)),
      false,
    );
  }

  #checked(schema: SchemaObject, path: string): SchemaObject {
    if (schema["$id"] !== undefined && schema !== this.#root && JSON.stringify(schema).includes('"$ref"'))
      throw unsupported(
        path,
        "$id",
        "references within would lead elsewhere; only the whole schema may have one",
      );
    if (this.#isLenient) return understoodKeywords(schema, path);
    checkKeywords(schema, path);
    return schema;
  }

  #reference(reference: unknown, path: string): string {
    const key = String(reference);
    const known = this.#references.get(key);
    if (known !== undefined) {
      // Coming back to it without an object or array in between, there would be no end to it.
      if (!known.isDone && this.#containers === known.containers)
        throw unsatisfiable(path, "the reference leads only to itself");
      if (!known.isDone && this.#openChoices > known.openChoices)
        throw unsupported(path, "$ref", "a choice between overlapping schemas that contains itself");
      return known.rule;
    }
    const target = lookUp(this.#root, reference, path);
    const entry = {
      rule: this.#grammar.reserve(),
      openChoices: this.#openChoices,
      containers: this.#containers,
      isDone: false,
    };
    this.#references.set(key, entry);
    try {
      const body = this.visit(target, path);
      this.#grammar.define(entry.rule, body);
      this.#ambiguity.set(entry.rule, this.#ambiguity.get(body) ?? 1);
    } catch (error) {
      // Rules that name it are there already, and every name must have a meaning.
      this.#grammar.define(entry.rule, json.value(this.#grammar));
      this.#references.delete(key);
      throw error;
    }
    entry.isDone = true;
    return entry.rule;
  }

  /** Without `$ref` and `allOf`: what they name is merged into the rest. */
  #flatten(schema: SchemaObject, path: string): SchemaObject {
    let merged = schema;
    for (let hops = 0; merged["$ref"] !== undefined || merged["allOf"] !== undefined; hops++) {
      if (++this.#visits > SCHEMA_LIMITS.visits || hops > SCHEMA_LIMITS.depth)
        throw new InvalidRequestError(`${path}: the schema is too complex.`, { param: path });
      const { $ref, allOf = [], ...rest } = merged;
      const parts = [...(allOf as readonly JsonSchema[])];
      if ($ref !== undefined) parts.push(lookUp(this.#root, $ref, path));
      const distinct = [...new Map(parts.map((part) => [JSON.stringify(part), part])).values()];
      if (distinct.includes(false)) throw unsatisfiable(path, "nothing is valid by false");
      merged = distinct
        .filter(isObject)
        .reduce<SchemaObject>((sum, part, index) => this.#join(sum, part, `${path}.allOf[${index}]`), rest);
    }
    return merged;
  }

  #join(a: SchemaObject, b: SchemaObject, path: string): SchemaObject {
    const part = this.#checked(b, path);
    // Choices on both sides are a choice of pairs; one of them waits in an `allOf` until the other is made.
    for (const choice of ["anyOf", "oneOf", "$ref", "const"] as const) {
      if (a[choice] === undefined || part[choice] === undefined) continue;
      if (JSON.stringify(a[choice]) === JSON.stringify(part[choice])) continue;
      throw unsupported(path, choice, "two of them can't be joined");
    }
    return merge(a, part, path);
  }

  #choose(choice: "anyOf" | "oneOf", schema: SchemaObject, path: string): string {
    const { [choice]: given, ...rest } = schema;
    const branches = given as readonly JsonSchema[];
    const hasRest = Object.keys(rest).some((keyword) => !annotations.has(keyword));
    if (choice === "oneOf" && !areExclusive(branches, this.#root))
      throw unsupported(path, "oneOf", NOT_EXCLUSIVE);
    const overlaps = mayOverlap(branches, this.#root);
    if (overlaps) this.#openChoices++;
    const options: string[] = [];
    for (const [index, branch] of branches.entries()) {
      const where = `${path}.${choice}[${index}]`;
      try {
        options.push(this.visit(hasRest ? { allOf: [rest, branch] } : branch, where));
      } catch (error) {
        if (!(error instanceof UnsatisfiableError)) throw error;
      }
    }
    if (overlaps) this.#openChoices--;
    if (options.length === 0) throw unsatisfiable(path, `no branch of ${choice} can be`);
    const rule = this.#remember(options, overlaps);
    if ((this.#ambiguity.get(rule) ?? 1) > MAX_AMBIGUITY)
      throw unsupported(path, choice, "too many overlapping choices within one another");
    return rule;
  }

  #typed(type: string, schema: SchemaObject, path: string): string {
    const grammar = this.#grammar;
    switch (type) {
      case "object":
        return this.#container((visit) => objectRule(grammar, schema, path, visit));
      case "array":
        return this.#container((visit) => arrayRule(grammar, schema, path, visit));
      case "string":
        return stringRule(grammar, schema, path);
      case "integer":
      case "number":
        return numberRule(grammar, type, schema, path);
      case "boolean":
        return json.boolean(grammar);
      default:
        return '"null"';
    }
  }

  /** A container can be read in as many ways as the most ambiguous of its parts. */
  #container(build: (visit: (schema: JsonSchema, path: string) => string) => string): string {
    let most = 1;
    this.#containers++;
    const rule = build((schema, path) => {
      const text = this.visit(schema, path);
      most = Math.max(most, this.#ambiguity.get(text) ?? 1);
      return text;
    });
    this.#containers--;
    if (most > 1) this.#ambiguity.set(rule, most);
    return rule;
  }

  #remember(options: readonly string[], overlap: boolean): string {
    const distinct = [...new Set(options)];
    const counts = distinct.map((option) => this.#ambiguity.get(option) ?? 1);
    const ways = overlap ? counts.reduce((sum, count) => sum + count, 0) : Math.max(...counts);
    const rule = distinct.length === 1 ? (distinct[0] as string) : this.#grammar.rule(alternatives(distinct));
    if (ways > 1) this.#ambiguity.set(rule, ways);
    return rule;
  }
}
