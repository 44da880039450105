import type { Located, SchemaDocument } from "./document.ts";
import { type Action, type Part, TYPE } from "./part.ts";

interface Listed {
  readonly types: number;
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
  /** Objects and arrays, as schemas that only they satisfy. */
  readonly structures: readonly Located[];
}

function sort(
  values: readonly unknown[],
  around: Located,
  document: SchemaDocument,
  known: StructureCache,
): Listed {
  let types = 0;
  const texts: string[] = [];
  const numbers: string[] = [];
  const structures: Located[] = [];
  for (const value of values) {
    if (typeof value === "string") texts.push(value);
    else if (typeof value === "number") numbers.push(JSON.stringify(value));
    else if (value === null) types |= TYPE.null;
    else if (typeof value === "boolean") types |= value ? TYPE.true : TYPE.false;
    else if (typeof value === "object")
      structures.push(document.at(structureOf(value, known), around.path, { base: "", draft: 2020 }));
  }
  if (texts.length > 0) types |= TYPE.string;
  if (numbers.length > 0) types |= TYPE.number;
  return { types, texts, numbers, structures };
}

/** Schemas made for objects and arrays in lists; equal values get the same schema. */
export type StructureCache = Map<object, object>;

function structureOf(value: object, known: StructureCache): object {
  let schema = known.get(value);
  if (schema === undefined) {
    schema = Array.isArray(value)
      ? {
          type: "array",
          ...(value.length > 0 && { prefixItems: value.map((item) => ({ const: item })) }),
          minItems: value.length,
          maxItems: value.length,
        }
      : {
          type: "object",
          properties: Object.fromEntries(Object.entries(value).map(([key, item]) => [key, { const: item }])),
          required: Object.keys(value),
          additionalProperties: false,
        };
    known.set(value, schema);
  }
  return schema;
}

/** The value is one of a list. */
export function holdListed(
  part: Part,
  values: readonly unknown[],
  around: Located,
  document: SchemaDocument,
  known: StructureCache,
): void {
  const listed = sort(values, around, document, known);
  const scalars = (narrowed: Part) => {
    narrowed.narrowTypes(listed.types);
    narrowed.oneOfTexts(listed.texts);
    narrowed.oneOfNumbers(listed.numbers);
  };
  if (listed.structures.length === 0) {
    scalars(part);
    return;
  }
  const branches: Action[][] = listed.structures.map((located) => [
    { type: "apply", application: { located, isNegated: false, from: undefined } },
  ]);
  if (listed.types !== 0) branches.push([{ type: "narrow", narrow: scalars }]);
  part.choose(branches);
}

/** The value is none of a list. */
export function breakListed(
  values: readonly unknown[],
  around: Located,
  document: SchemaDocument,
  known: StructureCache,
): readonly Action[] {
  const { types, texts, numbers, structures } = sort(values, around, document, known);
  const narrow = (part: Part) => {
    part.narrowTypes(~(types & (TYPE.null | TYPE.true | TYPE.false)));
    part.notTexts = [...part.notTexts, ...texts];
    part.notNumbers = [...part.notNumbers, ...numbers];
  };
  return [
    { type: "narrow", narrow },
    ...structures.map(
      (located): Action => ({ type: "apply", application: { located, isNegated: true, from: undefined } }),
    ),
  ];
}
