import { isObject } from "./document.ts";
import { applied, branches, type Reading, within } from "./holding.ts";
import { KeywordValues, languageOf } from "./keyword-values.ts";
import { breakListed } from "./listed-values.ts";
import { type Action, ALL_TYPES, type Application, type Literal, type Part, TYPE } from "./part.ts";
import { narrowedFormats } from "./text-formats.ts";

type Branches = ReadonlyArray<readonly Action[]>;

/** The ways in which a keyword's schema fails; undefined where they can't be said. */
type Break = (at: KeywordValues, own: Application, reading: Reading) => Branches | undefined;

const narrow = (change: (part: Part) => void): Action => ({ type: "narrow", narrow: change });
const only = (types: number) => narrow((part) => part.narrowTypes(types));
const not = (own: Application, schema: unknown, place: string, reading: Reading): Literal => ({
  located: within(own, schema, place, reading),
  isNegated: true,
});
const number = (change: (part: Part) => void): Branches => [[only(TYPE.number), narrow(change)]];
/** A count that is not a bound fails no comparison. */
const counted = (
  type: number,
  count: number | undefined,
  change: (part: Part, count: number) => void,
): Branches => (count === undefined ? [] : [[only(type), narrow((part) => change(part, count))]]);

const breakTypes: Break = (at) => {
  const { mask, isWhole } = at.types();
  const others: Branches = [[only(ALL_TYPES & ~mask)]];
  if (!isWhole) return others;
  return [
    ...others,
    number((part) => {
      part.isFractional = true;
    })[0] as readonly Action[],
  ];
};

const breakText =
  (pattern: (at: KeywordValues) => string | undefined, keyword: string): Break =>
  (at) => {
    const source = pattern(at);
    if (source === undefined) return [];
    if (languageOf(source, at.path, keyword).isNarrowed) return undefined;
    return [[only(TYPE.string), narrow((part) => part.match(source, true))]];
  };

const breakProperties: Break = (at, own, reading) =>
  Object.entries(at.map("properties")).map(([name, schema]) => {
    const literal = not(own, schema, `properties.${name}`, reading);
    return [
      only(TYPE.object),
      narrow((part) => {
        part.require(name);
        part.rule({ kind: "name", name, literal, by: undefined });
      }),
    ];
  });

const breakOthers: Break = (at, own, reading) => {
  const names = new Set(at.has("properties") ? Object.keys(at.map("properties")) : []);
  const patterns = at.has("patternProperties") ? Object.keys(at.map("patternProperties")) : [];
  const literal = not(own, at.schema["additionalProperties"], "additionalProperties", reading);
  return [
    [
      only(TYPE.object),
      narrow((part) => {
        part.someOther = [...part.someOther, { names, patterns, literal }];
      }),
    ],
  ];
};

const breakDependencies =
  (keyword: string): Break =>
  (at, own, reading) =>
    Object.entries(at.map(keyword)).flatMap(([name, value]): Branches => {
      const has = [only(TYPE.object), narrow((part) => part.require(name))];
      if (!Array.isArray(value))
        return [[...has, applied(own, within(own, value, `${keyword}.${name}`, reading), true)]];
      return value.map((other) => [...has, narrow((part) => part.forbid(String(other)))]);
    });

const breakItems: Break = (at, own, reading) => {
  const { tuple } = at;
  const list = tuple === undefined ? [] : at.list(tuple);
  const some: Array<readonly Action[]> = list.map((schema, index) => {
    const literal = not(own, schema, `${tuple}[${index}]`, reading);
    return [
      only(TYPE.array),
      narrow((part) => {
        part.itemCounts(index + 1, undefined);
        part.items = [...part.items, { literal, index, isRest: false, by: undefined }];
      }),
    ];
  });
  const rest = tuple === "items" ? "additionalItems" : "items";
  if (at.has(rest)) {
    const literal = not(own, at.schema[rest], rest, reading);
    some.push([
      only(TYPE.array),
      narrow((part) => {
        part.contains = [...part.contains, { literal, from: list.length, min: 1, max: undefined }];
      }),
    ]);
  }
  return some;
};

const breakContains: Break = (at, own, reading) => {
  const min = at.has("minContains") ? (at.count("minContains") ?? 0) : 1;
  const max = at.has("maxContains") ? at.count("maxContains") : undefined;
  const literal: Literal = {
    located: within(own, at.schema["contains"], "contains", reading),
    isNegated: false,
  };
  const bounded = (least: number, most: number | undefined) => [
    only(TYPE.array),
    narrow((part) => {
      part.contains = [...part.contains, { literal, from: 0, min: least, max: most }];
    }),
  ];
  return [
    ...(min > 0 ? [bounded(0, min - 1)] : []),
    ...(max === undefined ? [] : [bounded(max + 1, undefined)]),
  ];
};

const breakOneOf: Break = (at, own, reading) => {
  const all = branches("oneOf", at, own, reading);
  const none = all.map((branch) => applied(own, branch, true));
  const pairs = all.flatMap((first, index) =>
    all
      .slice(index + 1)
      .filter((second) => !reading.areDisjoint(first, second))
      .map((second) => [applied(own, first), applied(own, second)]),
  );
  return [none, ...pairs];
};

const breakIf: Break = (at, own, reading) => {
  const condition = within(own, at.schema["if"], "if", reading);
  return (["then", "else"] as const).flatMap((keyword) =>
    at.has(keyword)
      ? [
          [
            applied(own, condition, keyword === "else"),
            applied(own, within(own, at.schema[keyword], keyword, reading), true),
          ],
        ]
      : [],
  );
};

const breaks: Readonly<Record<string, Break>> = {
  $ref: (at, own, { document }) => [[applied(own, document.reference(at.text("$ref"), own.located), true)]],
  type: breakTypes,
  enum: (at, own, { document, structures }) => [
    breakListed(at.list("enum"), own.located, document, structures),
  ],
  const: (at, own, { document, structures }) => [
    breakListed([at.schema["const"]], own.located, document, structures),
  ],
  properties: breakProperties,
  additionalProperties: breakOthers,
  patternProperties: (at) => (Object.keys(at.map("patternProperties")).length === 0 ? [] : undefined),
  required: (at) =>
    at.texts("required").map((name) => [only(TYPE.object), narrow((part) => part.forbid(name))]),
  minProperties: (at) =>
    counted(TYPE.object, at.count("minProperties"), (part, count) => part.propertyCounts(0, count - 1)),
  maxProperties: (at) =>
    counted(TYPE.object, at.count("maxProperties"), (part, count) =>
      part.propertyCounts(count + 1, undefined),
    ),
  dependentRequired: breakDependencies("dependentRequired"),
  dependentSchemas: breakDependencies("dependentSchemas"),
  dependencies: breakDependencies("dependencies"),
  prefixItems: breakItems,
  items: (...all) => (all[0].has("prefixItems") ? [] : breakItems(...all)),
  contains: breakContains,
  minItems: (at) => counted(TYPE.array, at.count("minItems"), (part, count) => part.itemCounts(0, count - 1)),
  maxItems: (at) =>
    counted(TYPE.array, at.count("maxItems"), (part, count) => part.itemCounts(count + 1, undefined)),
  uniqueItems: (at) => (at.schema["uniqueItems"] === true ? undefined : []),
  minLength: (at) => counted(TYPE.string, at.count("minLength"), (part, count) => part.lengths(0, count - 1)),
  maxLength: (at) =>
    counted(TYPE.string, at.count("maxLength"), (part, count) => part.lengths(count + 1, undefined)),
  pattern: breakText((at) => at.pattern("pattern"), "pattern"),
  format: (...all) =>
    narrowedFormats.has(all[0].text("format")) ? undefined : breakText((at) => at.format(), "format")(...all),
  minimum: (at) =>
    number((part) => part.atMost(at.decimal("minimum"), at.schema["exclusiveMinimum"] !== true)),
  maximum: (at) =>
    number((part) => part.atLeast(at.decimal("maximum"), at.schema["exclusiveMaximum"] !== true)),
  exclusiveMinimum: (at) =>
    typeof at.schema["exclusiveMinimum"] === "boolean"
      ? []
      : number((part) => part.atMost(at.decimal("exclusiveMinimum"), false)),
  exclusiveMaximum: (at) =>
    typeof at.schema["exclusiveMaximum"] === "boolean"
      ? []
      : number((part) => part.atLeast(at.decimal("exclusiveMaximum"), false)),
  allOf: (at, own, reading) =>
    branches("allOf", at, own, reading).map((branch) => [applied(own, branch, true)]),
  anyOf: (at, own, reading) => [
    branches("anyOf", at, own, reading).map((branch) => applied(own, branch, true)),
  ],
  oneOf: breakOneOf,
  not: (at, own, reading) => [[applied(own, within(own, at.schema["not"], "not", reading))]],
  if: breakIf,
};

/**
 * The ways in which a schema can fail to hold: one of its keywords does. Those that can't be said are left out, which
 * makes what is allowed smaller and never larger; `isWhole` is false then.
 */
export function waysToBreak(
  own: Application,
  reading: Reading,
  keywords: readonly string[],
): { readonly branches: Branches; readonly isWhole: boolean } {
  const { schema } = own.located;
  if (!isObject(schema)) return { branches: schema ? [] : [[]], isWhole: true };
  const at = new KeywordValues(schema, own.located);
  let isWhole = true;
  const found: Array<readonly Action[]> = [];
  for (const keyword of keywords) {
    const ways = Object.hasOwn(breaks, keyword) ? breaks[keyword]?.(at, own, reading) : undefined;
    if (ways === undefined) isWhole = false;
    else found.push(...ways);
  }
  return { branches: found, isWhole };
}
