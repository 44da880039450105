import type { Located, SchemaDocument } from "./document.ts";
import { malformed, UnsupportedKeywordError } from "./errors.ts";
import type { KeywordValues } from "./keyword-values.ts";
import { holdListed, type StructureCache } from "./listed-values.ts";
import { type Action, type Application, type Literal, type Part, TYPE } from "./part.ts";

export interface Reading {
  readonly document: SchemaDocument;
  readonly structures: StructureCache;
  /** Whether no value satisfies both, as far as that is cheap to see. */
  areDisjoint(a: Located, b: Located): boolean;
}

/** One keyword of a schema that holds, as what it adds to a part. */
type Hold = (part: Part, at: KeywordValues, own: Application, reading: Reading) => void;

/** A schema within `own`'s. */
export function within(own: Application, schema: unknown, place: string, { document }: Reading): Located {
  return document.at(schema, `${own.located.path}.${place}`, own.located);
}

const literal = (located: Located, isNegated = false): Literal => ({ located, isNegated });

/** Also of the same value. */
export function applied(own: Application, located: Located, isNegated = false): Action {
  return { type: "apply", application: { located, isNegated, from: own } };
}

export function branches(
  keyword: string,
  at: KeywordValues,
  own: Application,
  reading: Reading,
): readonly Located[] {
  const list = at.list(keyword);
  if (list.length === 0) throw malformed(`${at.path}.${keyword}`, "a list of at least one schema");
  return list.map((schema, index) => within(own, schema, `${keyword}[${index}]`, reading));
}

function holdOneOf(part: Part, at: KeywordValues, own: Application, reading: Reading): void {
  const all = branches("oneOf", at, own, reading);
  part.choose(
    all.map((branch) => [
      applied(own, branch),
      ...all
        .filter((other, index) => all.indexOf(branch) !== index && !reading.areDisjoint(branch, other))
        .map((other) => applied(own, other, true)),
    ]),
  );
}

function holdBound(keyword: "minimum" | "maximum"): Hold {
  return (part, at) => {
    const exclusive = keyword === "minimum" ? "exclusiveMinimum" : "exclusiveMaximum";
    // Draft 4: a boolean beside the bound.
    const isExcluded = at.schema[exclusive] === true;
    if (keyword === "minimum") part.atLeast(at.decimal(keyword), isExcluded);
    else part.atMost(at.decimal(keyword), isExcluded);
  };
}

function holdExclusive(keyword: "exclusiveMinimum" | "exclusiveMaximum"): Hold {
  return (part, at) => {
    if (typeof at.schema[keyword] === "boolean") return;
    if (keyword === "exclusiveMinimum") part.atLeast(at.decimal(keyword), true);
    else part.atMost(at.decimal(keyword), true);
  };
}

function holdItems(part: Part, at: KeywordValues, own: Application, reading: Reading): void {
  const { tuple } = at;
  const list = tuple === undefined ? [] : at.list(tuple);
  const added = list.map((schema, index) => ({
    literal: literal(within(own, schema, `${tuple}[${index}]`, reading)),
    index,
    isRest: false,
    by: own,
  }));
  const rest = tuple === "items" ? "additionalItems" : "items";
  if (at.has(rest)) {
    const located = within(own, at.schema[rest], rest, reading);
    added.push({ literal: literal(located), index: list.length, isRest: true, by: own });
  }
  part.items = [...part.items, ...added];
}

function holdProperties(part: Part, at: KeywordValues, own: Application, reading: Reading): void {
  const named = at.has("properties") ? at.map("properties") : {};
  const patterned = at.has("patternProperties") ? at.map("patternProperties") : {};
  const rules = Object.entries(named).map(([name, schema]) => {
    const located = within(own, schema, `properties.${name}`, reading);
    return { kind: "name", name, literal: literal(located), by: own } as const;
  });
  part.rule(...rules);
  for (const [pattern, schema] of Object.entries(patterned)) {
    at.pattern("patternProperties", pattern);
    const located = within(own, schema, `patternProperties.${pattern}`, reading);
    part.rule({ kind: "pattern", pattern, literal: literal(located), by: own });
  }
  if (!at.has("additionalProperties")) return;
  const located = within(own, at.schema["additionalProperties"], "additionalProperties", reading);
  const names = new Set(Object.keys(named));
  part.rule({ kind: "rest", names, patterns: Object.keys(patterned), literal: literal(located), by: own });
}

function holdDependency(part: Part, name: string, actions: readonly Action[]): void {
  part.choose([
    [{ type: "narrow", narrow: (narrowed) => narrowed.forbid(name) }],
    [{ type: "narrow", narrow: (narrowed) => narrowed.require(name) }, ...actions],
    // What is not an object depends on nothing.
    [{ type: "narrow", narrow: (narrowed) => narrowed.narrowTypes(~TYPE.object) }],
  ]);
}

const holdDependencies =
  (keyword: string): Hold =>
  (part, at, own, reading) => {
    for (const [name, value] of Object.entries(at.map(keyword))) {
      if (Array.isArray(value)) {
        const needed = value.map(String);
        const narrow = (narrowed: Part) => narrowed.requireAll(needed);
        holdDependency(part, name, [{ type: "narrow", narrow }]);
      } else holdDependency(part, name, [applied(own, within(own, value, `${keyword}.${name}`, reading))]);
    }
  };

function holdIf(part: Part, at: KeywordValues, own: Application, reading: Reading): void {
  const condition = within(own, at.schema["if"], "if", reading);
  const branch = (keyword: string, isNegated: boolean) => [
    applied(own, condition, isNegated),
    ...(at.has(keyword) ? [applied(own, within(own, at.schema[keyword], keyword, reading))] : []),
  ];
  if (at.has("then") || at.has("else")) part.choose([branch("then", false), branch("else", true)]);
}

function holdContains(part: Part, at: KeywordValues, own: Application, reading: Reading): void {
  const min = at.has("minContains") ? at.least("minContains") : 1;
  const max = at.has("maxContains") ? at.count("maxContains") : undefined;
  if (min === 0 && max === undefined) return;
  const located = within(own, at.schema["contains"], "contains", reading);
  part.contains = [...part.contains, { literal: literal(located), from: 0, min, max }];
}

const holdUnevaluated =
  (kind: "properties" | "items", keyword: string): Hold =>
  (part, at, own, reading) => {
    const located = within(own, at.schema[keyword], keyword, reading);
    part.unevaluated = [...part.unevaluated, { kind, literal: literal(located), by: own }];
  };

const refuse =
  (keyword: string, hint: string): Hold =>
  (_part, at) => {
    throw new UnsupportedKeywordError(at.path, keyword, hint);
  };

/** Every keyword that says something of validity, and the first draft that knows it. */
export const holds: Readonly<Record<string, { readonly since: number; readonly hold: Hold }>> = {
  $ref: {
    since: 4,
    hold: (part, at, own, { document }) =>
      part.apply({ located: document.reference(at.text("$ref"), own.located), isNegated: false, from: own }),
  },
  $dynamicRef: { since: 2020, hold: refuse("$dynamicRef", "use $ref") },
  $recursiveRef: { since: 2019, hold: refuse("$recursiveRef", "use $ref") },
  type: {
    since: 4,
    hold: (part, at) => {
      const { mask, isWhole } = at.types();
      part.narrowTypes(mask);
      if (isWhole) part.whole();
    },
  },
  enum: {
    since: 4,
    hold: (part, at, own, { document, structures }) =>
      holdListed(part, at.list("enum"), own.located, document, structures),
  },
  const: {
    since: 6,
    hold: (part, at, own, { document, structures }) =>
      holdListed(part, [at.schema["const"]], own.located, document, structures),
  },
  properties: { since: 4, hold: holdProperties },
  patternProperties: {
    since: 4,
    hold: (...all) => (all[1].has("properties") ? undefined : holdProperties(...all)),
  },
  additionalProperties: {
    since: 4,
    hold: (...all) =>
      all[1].has("properties") || all[1].has("patternProperties") ? undefined : holdProperties(...all),
  },
  propertyNames: {
    since: 6,
    hold: (part, at, own, reading) => {
      const located = within(own, at.schema["propertyNames"], "propertyNames", reading);
      part.nameRules = [...part.nameRules, literal(located)];
    },
  },
  required: { since: 4, hold: (part, at) => part.requireAll(at.texts("required")) },
  minProperties: { since: 4, hold: (part, at) => part.propertyCounts(at.least("minProperties"), undefined) },
  maxProperties: { since: 4, hold: (part, at) => part.propertyCounts(0, at.count("maxProperties")) },
  dependentRequired: { since: 2019, hold: holdDependencies("dependentRequired") },
  dependentSchemas: { since: 2019, hold: holdDependencies("dependentSchemas") },
  dependencies: { since: 4, hold: holdDependencies("dependencies") },
  prefixItems: { since: 2020, hold: holdItems },
  items: { since: 4, hold: (...all) => (all[1].has("prefixItems") ? undefined : holdItems(...all)) },
  contains: { since: 6, hold: holdContains },
  minItems: { since: 4, hold: (part, at) => part.itemCounts(at.least("minItems"), undefined) },
  maxItems: { since: 4, hold: (part, at) => part.itemCounts(0, at.count("maxItems")) },
  uniqueItems: {
    since: 4,
    hold: (part, at) => {
      part.isUnique ||= at.schema["uniqueItems"] === true;
    },
  },
  minLength: { since: 4, hold: (part, at) => part.lengths(at.least("minLength"), undefined) },
  maxLength: { since: 4, hold: (part, at) => part.lengths(0, at.count("maxLength")) },
  pattern: { since: 4, hold: (part, at) => part.match(at.pattern("pattern"), false) },
  format: {
    since: 4,
    hold: (part, at) => {
      const pattern = at.format();
      if (pattern !== undefined) part.match(pattern, false);
    },
  },
  minimum: { since: 4, hold: holdBound("minimum") },
  maximum: { since: 4, hold: holdBound("maximum") },
  exclusiveMinimum: { since: 4, hold: holdExclusive("exclusiveMinimum") },
  exclusiveMaximum: { since: 4, hold: holdExclusive("exclusiveMaximum") },
  multipleOf: { since: 4, hold: (part, at) => part.multipleOf(at.step("multipleOf")) },
  allOf: {
    since: 4,
    hold: (part, at, own, reading) => {
      for (const located of branches("allOf", at, own, reading))
        part.apply({ located, isNegated: false, from: own });
    },
  },
  anyOf: {
    since: 4,
    hold: (part, at, own, reading) =>
      part.choose(branches("anyOf", at, own, reading).map((branch) => [applied(own, branch)])),
  },
  oneOf: { since: 4, hold: holdOneOf },
  not: {
    since: 4,
    hold: (part, at, own, reading) =>
      part.apply({ located: within(own, at.schema["not"], "not", reading), isNegated: true, from: own }),
  },
  if: { since: 7, hold: holdIf },
  unevaluatedProperties: { since: 2019, hold: holdUnevaluated("properties", "unevaluatedProperties") },
  unevaluatedItems: { since: 2019, hold: holdUnevaluated("items", "unevaluatedItems") },
};
