import fc, { type Arbitrary } from "fast-check";

/** What of JSON Schema the OpenAPI document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

const MAX_DEPTH = 6;
/** Of all values, one in this many is replaced by something that its schema has nothing to do with. */
const HONEST = 12;

/** Texts that have broken parsers, templates, databases and terminals. */
const strangeTexts = [
  "",
  "\0",
  "\ud800",
  "\u009b31m",
  "\\ufdd0",
  "<|im_end|>",
  "null",
  "{{ range(1000000000) }}",
  "'; SELECT pg_sleep(8)--",
  "../../etc/passwd",
  "http://127.0.0.1:9/",
  "A".repeat(20_000),
  "[".repeat(3_000),
  "🙂".repeat(500),
];
const strange = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    null,
    -1,
    2 ** 31,
    2 ** 53,
    1e308,
    -0.5,
    [],
    {},
    [[]],
    { constructor: { prototype: 1 } },
    ...strangeTexts,
  ),
);

/** Values shaped like `schema`, here and there something else. `fixed` has the values of fields by name. */
export function valuesOf(
  schema: Schema,
  definitions: Readonly<Record<string, Schema>>,
  fixed: Readonly<Record<string, unknown>>,
): Arbitrary<unknown> {
  const build = (part: Schema, depth: number): Arbitrary<unknown> =>
    fc.oneof({ weight: HONEST, arbitrary: honest(part, depth) }, { weight: 1, arbitrary: strange });

  const honest = (part: Schema, depth: number): Arbitrary<unknown> => {
    if (depth > MAX_DEPTH) return strange;
    if (part.$ref !== undefined) {
      const found = definitions[part.$ref.split("/").at(-1) ?? ""];
      return found === undefined ? strange : honest(found, depth);
    }
    const choices = part.anyOf ?? part.oneOf;
    if (choices !== undefined) return fc.oneof(...choices.map((choice) => honest(choice, depth + 1)));
    if (part.const !== undefined) return fc.constant(part.const);
    if (part.enum !== undefined) return fc.constantFrom(...part.enum);
    const types = [part.type ?? []].flat();
    if (types.length === 0) return fc.jsonValue({ maxDepth: 2 });
    return fc.oneof(...types.map((type) => ofType(type, part, depth)));
  };

  const ofType = (type: string, part: Schema, depth: number): Arbitrary<unknown> => {
    const { minimum = -(2 ** 31), maximum = 2 ** 31 } = part;
    switch (type) {
      case "null":
        return fc.constant(null);
      case "boolean":
        return fc.boolean();
      case "integer":
        return fc.integer({ min: Math.ceil(minimum), max: Math.min(Math.floor(maximum), 2 ** 53) });
      case "number":
        return fc.double({ min: minimum, max: maximum, noNaN: true });
      case "string":
        return fc
          .oneof(
            fc.string({ maxLength: 30 }),
            fc.string({ unit: "binary" }),
            fc.constantFrom(...strangeTexts),
          )
          .map((text) => text.slice(0, part.maxLength));
      case "array": {
        const minLength = part.minItems ?? 0;
        const maxLength = Math.max(minLength, Math.min(part.maxItems ?? 4, minLength + 4));
        return fc.array(build(part.items ?? {}, depth + 1), { minLength, maxLength });
      }
      default: {
        const { properties = {}, required = [], additionalProperties: others = true } = part;
        const fields = Object.entries(properties).map(([name, field]) => [
          name,
          name in fixed ? fc.constant(fixed[name]) : build(field, depth + 1),
        ]);
        const known = fc.record(Object.fromEntries(fields) as Record<string, Arbitrary<unknown>>, {
          requiredKeys: required.filter((name) => name in properties),
        });
        if (others === false) return known;
        const more = fc.dictionary(
          fc.string({ maxLength: 8 }),
          typeof others === "object" ? build(others, depth + 1) : strange,
          { maxKeys: 1 },
        );
        return fc.tuple(more, known).map(([one, two]) => ({ ...one, ...two }));
      }
    }
  };
  return build(schema, 0);
}
