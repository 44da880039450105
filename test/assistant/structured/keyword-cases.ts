/** A keyword's schema, with values that it takes and values that it refuses. */
export interface KeywordCase {
  readonly keyword: string;
  readonly schema: object;
  readonly valid: readonly unknown[];
  readonly invalid: readonly unknown[];
  /** A schema's draft, 2020-12 where it is left out. */
  readonly draft?: 4 | 6 | 7 | 2019;
  /** Ajv holds what the draft does not know, or overrides. */
  readonly isAjvStricter?: boolean;
}

const a = (
  keyword: string,
  schema: object,
  valid: readonly unknown[],
  invalid: readonly unknown[],
  draft?: KeywordCase["draft"],
): KeywordCase => ({ keyword, schema, valid, invalid, ...(draft !== undefined && { draft }) });

/** Not written as a property: what has one may be taken for a promise. */
const thenDo = (schema: object) => Object.fromEntries(["then"].map((keyword) => [keyword, schema]));

const tree = { properties: { v: { type: "integer" }, next: { $ref: "#" } }, required: ["v"] };

/** After JSON-Schema-Test-Suite's way: each keyword in both directions, and what older drafts spell otherwise. */
export const keywordCases: readonly KeywordCase[] = [
  a("type", { type: "integer" }, [1, -3, 0], ["1", 1.5, null, [1]]),
  a("type", { type: ["string", "null"] }, ["", null], [1, false, {}]),
  a("enum", { enum: ["a", 1, null, { b: [2] }] }, ["a", 1, null, { b: [2] }], ["b", 2, {}, { b: [3] }]),
  a("const", { const: { a: [1, null] } }, [{ a: [1, null] }], [{ a: [1] }, {}, null]),
  a("allOf", { allOf: [{ minimum: 2 }, { maximum: 4 }] }, [2, 3, "x"], [1, 5]),
  a("anyOf", { anyOf: [{ type: "string" }, { minimum: 5 }] }, ["x", 5, null], [4]),
  a("oneOf", { oneOf: [{ minimum: 2 }, { maximum: 4 }] }, [1, 5], [2, 3, "x"]),
  a("not", { not: { type: ["integer", "string"] } }, [1.5, null, []], [1, "x"]),
  a(
    "if",
    { if: { type: "integer" }, ...thenDo({ minimum: 10 }), else: { type: "string" } },
    [10, "x"],
    [9, null, 1.5],
  ),
  a("then", { if: { minimum: 0 }, ...thenDo({ multipleOf: 2 }) }, [2, -3, "x"], [1]),
  a("else", { if: { type: "string" }, else: { type: "null" } }, ["x", null], [1, []]),
  a(
    "$ref",
    { $defs: { n: { type: "null" } }, properties: { a: { $ref: "#/$defs/n" } } },
    [{ a: null }, {}],
    [{ a: 1 }],
  ),
  a("$ref", tree, [{ v: 1, next: { v: 2 } }], [{ v: 1, next: {} }, { next: { v: 1 } }]),
  a("$defs", { $defs: { "a b": { const: 1 } }, $ref: "#/$defs/a%20b" }, [1], [2]),
  a("$anchor", { $defs: { x: { $anchor: "here", type: "null" } }, $ref: "#here" }, [null], [0]),
  a("$id", { $id: "http://e.org/r", $defs: { x: { $id: "s", type: "null" } }, $ref: "s" }, [null], [0]),
  a("properties", { properties: { a: { type: "null" } } }, [{}, { a: null, b: 1 }, 3], [{ a: 1 }]),
  a("required", { required: ["a", "é"] }, [{ a: 1, é: 2 }, "x"], [{ a: 1 }, {}]),
  a(
    "additionalProperties",
    { properties: { a: true }, additionalProperties: false },
    [{ a: 1 }, {}],
    [{ b: 1 }],
  ),
  a("additionalProperties", { additionalProperties: { type: "null" } }, [{ x: null }], [{ x: 1 }]),
  a(
    "patternProperties",
    { patternProperties: { "^n": { type: "null" } } },
    [{ n1: null, x: 1 }],
    [{ n1: 1 }],
  ),
  a("propertyNames", { propertyNames: { maxLength: 2 } }, [{ ab: 1 }, {}], [{ abc: 1 }]),
  a("minProperties", { minProperties: 2 }, [{ a: 1, b: 2 }, []], [{ a: 1 }, {}]),
  a("maxProperties", { maxProperties: 1 }, [{}, { a: 1 }], [{ a: 1, b: 2 }]),
  a("dependentRequired", { dependentRequired: { a: ["b"] } }, [{ a: 1, b: 2 }, { b: 1 }, {}], [{ a: 1 }]),
  a("dependentSchemas", { dependentSchemas: { a: { required: ["b"] } } }, [{ a: 1, b: 2 }, {}], [{ a: 1 }]),
  a(
    "unevaluatedProperties",
    { allOf: [{ properties: { a: true } }], unevaluatedProperties: false },
    [{ a: 1 }, {}],
    [{ b: 1 }, { a: 1, b: 1 }],
  ),
  a("items", { items: { type: "null" } }, [[], [null, null], "x"], [[1], [null, 1]]),
  a("prefixItems", { prefixItems: [{ type: "null" }], items: false }, [[], [null]], [[1], [null, 1]]),
  a("minItems", { minItems: 2 }, [[1, 2], {}], [[], [1]]),
  a("maxItems", { maxItems: 1 }, [[], [1]], [[1, 2]]),
  a(
    "uniqueItems",
    { uniqueItems: true },
    [
      [1, 2, "1"],
      [{}, []],
    ],
    [
      [1, 1],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      [1, 1.0],
    ],
  ),
  a("contains", { contains: { const: 1 } }, [[1], [0, 1, 1]], [[], [0]]),
  a("minContains", { contains: { const: 1 }, minContains: 2 }, [[1, 0, 1]], [[1], [0, 0]]),
  a("maxContains", { contains: { const: 1 }, maxContains: 1 }, [[1], [0, 1]], [[1, 1], []]),
  a("unevaluatedItems", { prefixItems: [true], unevaluatedItems: false }, [[], [1]], [[1, 2]]),
  a("minLength", { minLength: 2 }, ["ab", "🎉🎉", 1], ["", "a", "🎉"]),
  a("maxLength", { maxLength: 2 }, ["", "🎉🎉"], ["abc"]),
  a("pattern", { pattern: "^a+b?$" }, ["a", "aab", 3], ["", "b", "aba"]),
  a("pattern", { pattern: "b", minLength: 3 }, ["abc"], ["b", "acc"]),
  a("pattern", { pattern: "^(?!.*secret)[a-z]+$" }, ["public"], ["asecretb", ""]),
  a("minimum", { minimum: 1.5 }, [1.5, 2, "x"], [1, 1.4]),
  a("maximum", { maximum: -1 }, [-1, -2.5], [0, -0.5]),
  a("exclusiveMinimum", { exclusiveMinimum: 2 }, [2.01, 3], [2, 1]),
  a("exclusiveMaximum", { exclusiveMaximum: 2 }, [1.99, -5], [2, 3]),
  a("multipleOf", { multipleOf: 0.25 }, [0.5, 1, -0.75, 0], [0.3, 1.1]),
  a("format", { format: "date" }, ["2024-02-29", 3], ["2023-02-29", "x"]),
  a("format", { format: "time" }, ["10:20:30Z"], ["25:00:00Z", "10:20"]),
  a("format", { format: "date-time" }, ["2024-01-01T00:00:00Z"], ["2024-01-01"]),
  a("format", { format: "duration" }, ["P1DT2H"], ["1D", "P"]),
  a("format", { format: "uuid" }, ["2eb8aa08-aa98-11ea-b4aa-73b441d16380"], ["2eb8aa08"]),
  a("format", { format: "ipv4" }, ["192.168.0.1"], ["256.0.0.1", "1.2.3"]),
  a("format", { format: "ipv6" }, ["::1", "fe80::1"], ["1::2::3", "12345::"]),
  a("format", { format: "hostname" }, ["www.example.com"], ["-a.example", "a b"]),
  a("format", { format: "email" }, ["joe@example.com"], ["joe", "@example.com"]),
  a("format", { format: "uri" }, ["http://example.com/a?b#c"], ["//example.com", "a b"]),
  a("format", { format: "uri-reference" }, ["/a/b", "http://e.org/"], ["\\\\x"]),
  a("format", { format: "json-pointer" }, ["/a~1b", ""], ["a", "/~2"]),
  a("format", { format: "regex" }, ["^a+$"], ["(a"]),
  a("format", { format: "of-a-vendor" }, ["anything"], []),
  a("readOnly", { type: "integer", readOnly: true, "x-vendor": { y: 1 }, example: 3 }, [1], ["x"]),
  a(
    "id",
    { id: "http://e.org/r", definitions: { x: { id: "#s", type: "null" } }, $ref: "#s" },
    [null],
    [0],
    4,
  ),
  a("definitions", { definitions: { n: { type: "null" } }, $ref: "#/definitions/n" }, [null], [1], 7),
  a(
    "dependencies",
    { dependencies: { a: ["b"], c: { required: ["d"] } } },
    [
      { a: 1, b: 1 },
      { c: 1, d: 1 },
    ],
    [{ a: 1 }, { c: 1 }],
    7,
  ),
  a("dependencies", { dependencies: { a: ["b"] } }, [{ a: 1, b: 1 }, {}], [{ a: 1 }], 4),
  a(
    "items",
    { items: [{ type: "null" }], additionalItems: { const: 1 } },
    [[null, 1], []],
    [[1], [null, 2]],
    7,
  ),
  a("additionalItems", { items: [{ type: "null" }], additionalItems: false }, [[null]], [[null, 1]], 4),
  a("exclusiveMinimum", { minimum: 2, exclusiveMinimum: true }, [3, 2.5], [2, 1], 4),
  a("exclusiveMaximum", { maximum: 2, exclusiveMaximum: true }, [1, 1.5], [2, 3], 4),
  a("exclusiveMinimum", { minimum: 2, exclusiveMinimum: false }, [2], [1], 4),
  a("exclusiveMaximum", { exclusiveMaximum: 2 }, [1], [2], 6),
  a("const", { const: 1 }, [1], [2], 6),
  a("contains", { contains: { const: 1 } }, [[1]], [[0]], 6),
  a("propertyNames", { propertyNames: { pattern: "^a" } }, [{ ab: 1 }], [{ b: 1 }], 6),
  a("if", { if: { const: 1 }, else: { type: "null" } }, [1, null], [2], 7),
  {
    keyword: "$ref",
    schema: { definitions: { n: { type: "null" } }, $ref: "#/definitions/n", type: "string" },
    valid: [null],
    invalid: ["x"],
    draft: 7,
    isAjvStricter: true,
  },
  { keyword: "const", schema: { const: 1 }, valid: [1, 2, "x"], invalid: [], draft: 4, isAjvStricter: true },
  a("$ref", { $defs: { n: { minimum: 1 } }, $ref: "#/$defs/n", maximum: 2 }, [1, 2], [0, 3], 2019),
  a("unevaluatedItems", { items: [true], unevaluatedItems: false }, [[1]], [[1, 2]], 2019),
];
