/** Schemas that are made to be expensive. */

const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown => {
  let schema: unknown = { type: "integer" };
  for (let level = 0; level < depth; level++) schema = wrap(schema);
  return schema;
};

const doubling = (count: number, use: (name: string) => unknown) => ({
  $defs: Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `d${index}`,
      index === count - 1 ? { type: "integer" } : use(`#/$defs/d${index + 1}`),
    ]),
  ),
  $ref: "#/$defs/d0",
});

const reference = ($ref: string) => ({ $ref });

export const hostileSchemas: Readonly<Record<string, unknown>> = {
  "exponential $ref in properties": doubling(60, (next) => ({
    type: "object",
    properties: { a: reference(next), b: reference(next) },
    required: ["a", "b"],
  })),
  "exponential $ref in anyOf": doubling(60, (next) => ({
    anyOf: [
      { type: "array", items: reference(next) },
      { type: "array", items: reference(next), maxItems: 3 },
    ],
  })),
  "exponential $ref in allOf": doubling(60, (next) => ({
    allOf: [reference(next), { ...reference(next), title: "x" }],
  })),
  "ambiguous recursion": {
    anyOf: [
      { type: "array", items: { $ref: "#" } },
      { type: "array", items: { $ref: "#" }, maxItems: 5 },
      { type: "integer" },
    ],
  },
  "10,000 enum values": { enum: Array.from({ length: 10_000 }, (_, index) => `value ${index}`) },
  "10,000 properties": {
    type: "object",
    properties: Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`p${index}`, { type: "integer" }]),
    ),
  },
  "10,000 branches": { anyOf: Array.from({ length: 10_000 }, (_, index) => ({ const: index })) },
  "nesting of 60": nested(60, (inner) => ({ type: "array", items: inner })),
  "nesting of 5,000": nested(5000, (inner) => ({ type: "array", items: inner })),
  "nesting of 5,000 in anyOf": nested(5000, (inner) => ({ anyOf: [inner] })),
  "a catastrophic pattern": { type: "string", pattern: "^(a+)+$" },
  "nested quantifiers": { type: "string", pattern: "^(([a-z])+.)+[A-Z]([a-z])+$" },
  "multiplied quantifiers": { type: "string", pattern: "^((a{1,100}){1,100}){1,100}$" },
  "bounded repetitions of bounded ones": { type: "string", pattern: "^(a{1,44}){1,43}$" },
  "empty alternatives": { type: "string", pattern: "^(a?|b?|c?){30}$" },
  "a pattern of 64 KiB": { type: "string", pattern: `^${"(a|b)?".repeat(10_900)}$` },
  "deep groups": { type: "string", pattern: `${"(".repeat(5000)}a${")".repeat(5000)}` },
  "a huge minLength": { type: "string", minLength: 1_000_000_000 },
  "a huge maxLength": { type: "string", maxLength: 1_000_000_000 },
  "a huge minItems": { type: "array", minItems: 1_000_000_000 },
  "nested repetition": nested(10, (inner) => ({
    type: "array",
    items: inner,
    minItems: 900,
    maxItems: 1000,
  })),
  "a reference to itself": { $ref: "#" },
  "a long text": { const: "x".repeat(300_000) },
};
