/** What is expensive about a request: the form that it asks its answer to have. */
type HostileForm = { readonly grammar: string } | { readonly schema: object };

const tower = (count: number, use: (next: { $ref: string }) => unknown) => ({
  $defs: Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `d${index}`,
      index === count - 1 ? { type: "integer" } : use({ $ref: `#/$defs/d${index + 1}` }),
    ]),
  ),
  $ref: "#/$defs/d0",
});
const schema = (value: object): HostileForm => ({ schema: value });
const numbered = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at));

export const hostileForms: Readonly<Record<string, HostileForm>> = {
  "ambiguity behind 49 characters": {
    grammar: `root ::= "${"x".repeat(49)}" b\nb ::= "a" b "c" | "a" b "d" | "e"`,
  },
  "ambiguity at once": { grammar: 'root ::= b\nb ::= "a" b "c" | "a" b "d" | "e"' },
  "a grammar of many readings": { grammar: 'root ::= s\ns ::= s s | "a" | s s s' },
  "nested repetitions in a pattern": schema({ type: "string", pattern: "^(a{1,44}){1,43}$" }),
  "10,000 enum values": schema({ enum: numbered(10_000, (at) => `value ${at}`) }),
  "a tower of $ref in properties": schema(
    tower(60, (next) => ({ type: "object", properties: { a: next, b: next }, required: ["a", "b"] })),
  ),
  "a tower of $ref in anyOf": schema(
    tower(60, (next) => ({ anyOf: [next, { type: "array", items: next }] })),
  ),
  "a tower of $ref in allOf": schema(tower(60, (next) => ({ allOf: [next, { ...next, title: "x" }] }))),
  "a pattern of 64 KiB": schema({ type: "string", pattern: `^${"(a|b)?".repeat(10_900)}$` }),
  "a pattern of many states": schema({ type: "string", pattern: "^(a|b)*a(a|b){20}$" }),
  "25,000 rules": {
    grammar: `root ::= r0\n${numbered(25_000, (at) => `r${at} ::= "a" r${Math.min(at + 1, 24_999)} | "b"`).join("\n")}`,
  },
  "an empty class and comments that end with \\r": { grammar: 'root ::= [] | "a" # one\r"b" # two\r' },
  "10,000 properties": schema({
    type: "object",
    properties: Object.fromEntries(
      numbered(10_000, (at) => `p${at}`).map((name) => [name, { type: "integer" }]),
    ),
  }),
};

/** The fields of a request for a form that no request asked for before, so that nothing is known of it. */
export function fieldsOf(form: HostileForm, number: number): object {
  if ("grammar" in form) return { grammar: `${form.grammar}\n# ${number}` };
  const unique = { ...form.schema, title: `number ${number}` };
  return { response_format: { type: "json_schema", json_schema: { name: "hostile", schema: unique } } };
}
