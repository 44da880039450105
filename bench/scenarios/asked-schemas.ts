/** Twenty schemas of the kinds that applications send, all of which llama-server takes as well. */

const text = { type: "string", maxLength: 40 };
const closed = (properties: Readonly<Record<string, unknown>>, required = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const list = (items: unknown, minItems = 1, maxItems = 4) => ({ type: "array", items, minItems, maxItems });
const date = { type: "string", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" };
const address = closed({ street: text, city: text, postcode: { type: "string", pattern: "^[0-9]{5}$" } });

export const askedSchemas: Readonly<Record<string, unknown>> = {
  person: closed({ name: text, age: { type: "integer", minimum: 0, maximum: 120 }, city: text }),
  score: closed({ score: { type: "integer", minimum: 1, maximum: 10 }, rationale: text }),
  sentiment: closed({
    sentiment: { enum: ["positive", "negative", "neutral"] },
    confidence: { type: "number" },
  }),
  label: { enum: ["billing", "technical", "account", "shipping", "returns", "other"] },
  words: list(text, 3, 8),
  numbers: list({ type: "integer" }, 3, 8),
  event: closed({ title: text, date, attendees: list(text) }),
  address,
  order: closed({
    id: { type: "string", pattern: "^[A-Z]{2}-[0-9]{6}$" },
    lines: list(
      closed({
        sku: text,
        quantity: { type: "integer", minimum: 1, maximum: 99 },
        price: { type: "number" },
      }),
    ),
    express: { type: "boolean" },
  }),
  weather: closed({
    location: text,
    unit: { enum: ["celsius", "fahrenheit"] },
    days: { type: "integer", minimum: 1, maximum: 14 },
  }),
  search: closed({ query: text, filters: closed({ from: date, to: date, tags: list(text) }) }),
  nullable: closed({
    name: text,
    nickname: { anyOf: [text, { type: "null" }] },
    email: { type: ["string", "null"] },
  }),
  choice: {
    anyOf: [
      closed({ kind: { const: "move" }, x: { type: "integer" }, y: { type: "integer" } }),
      closed({ kind: { const: "say" }, what: text }),
      closed({ kind: { const: "wait" }, seconds: { type: "integer", minimum: 1, maximum: 60 } }),
    ],
  },
  tree: {
    $defs: {
      node: closed({ name: text, children: { type: "array", items: { $ref: "#/$defs/node" }, maxItems: 2 } }),
    },
    $ref: "#/$defs/node",
  },
  reference: {
    $defs: { address },
    ...closed({ billing: { $ref: "#/$defs/address" }, delivery: { $ref: "#/$defs/address" } }),
  },
  optional: closed({ title: text, subtitle: text, year: { type: "integer" }, draft: { type: "boolean" } }, [
    "title",
  ]),
  table: list(list({ type: "number" }, 3, 3), 2, 3),
  invoice: closed({
    number: { type: "string", pattern: "^INV-[0-9]{4}$" },
    currency: { enum: ["EUR", "USD", "GBP", "CHF"] },
    total: { type: "number" },
    customer: closed({ name: text, address }),
  }),
  steps: closed({ steps: list(closed({ explanation: text, output: text }), 2, 3), answer: text }),
  flags: closed(
    Object.fromEntries(
      ["read", "write", "delete", "share", "admin"].map((name) => [name, { type: "boolean" }]),
    ),
  ),
};
