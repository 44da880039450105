import { runClosedLoop } from "../load/closed-loop.ts";
import { openaiDialect } from "../load/dialect.ts";
import type { GenerationRequest } from "../load/workload.ts";
import type { Measurement } from "../report/report.ts";
import type { Side } from "../servers/server.ts";
import { chartByCase, ratioCheck } from "./alternation.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

const LEVELS = [1, 4];

const text = { type: "string", maxLength: 24 };
const closed = (properties: Readonly<Record<string, unknown>>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const choice = (...values: readonly string[]) => ({ enum: values });
const whole = (maximum: number) => ({ type: "integer", minimum: 0, maximum });
const yes = { type: "boolean" };
const list = (items: unknown, maxItems = 3) => ({ type: "array", items, maxItems });
const day = { type: "string", pattern: "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$" };
const address = closed({ street: text, house_number: whole(400), postal_code: whole(99999), city: text });

/** What applications ask for: records, classifications, tool calls, extractions, verdicts. */
const schemas: Readonly<Record<string, object>> = {
  person: closed({ first_name: text, last_name: text, age_in_years: whole(120), is_member: yes }),
  address,
  customer: closed({ customer_name: text, billing_address: address, accepts_marketing: yes }),
  sentiment: closed({ sentiment: choice("positive", "neutral", "negative"), confidence_percent: whole(100) }),
  intent: closed({ intent: choice("order", "complaint", "question", "cancellation"), needs_human: yes }),
  weather_call: closed({
    tool: choice("get_current_weather"),
    arguments: closed({ location: text, unit: choice("celsius", "fahrenheit") }),
  }),
  search_call: closed({
    tool: choice("search_documents"),
    arguments: closed({ query: text, maximum_results: whole(20) }),
  }),
  verdict: closed({
    score: { type: "integer", minimum: 1, maximum: 10 },
    rationale: { type: "string", maxLength: 80 },
  }),
  comparison: closed({
    better_answer: choice("first", "second", "neither"),
    reason: { type: "string", maxLength: 60 },
  }),
  invoice: closed({
    invoice_number: whole(99999),
    invoice_date: day,
    total_amount_cents: whole(999999),
    currency: choice("EUR", "USD", "NOK"),
  }),
  order: closed({
    order_lines: list(closed({ article_name: text, quantity: whole(99) })),
    express_delivery: yes,
  }),
  event: closed({ event_title: text, start_date: day, end_date: day, is_recurring: yes }),
  product: closed({
    product_name: text,
    category: choice("printer", "cartridge", "paper"),
    in_stock: yes,
    price_cents: whole(99999),
  }),
  tags: closed({ tags: list(choice("red", "green", "blue", "black", "white"), 4) }),
  coordinates: closed({
    latitude_degrees: whole(90),
    longitude_degrees: whole(180),
    altitude_metres: whole(9000),
  }),
  ticket: closed({
    ticket_priority: choice("low", "medium", "high", "urgent"),
    affected_component: text,
    can_be_reproduced: yes,
  }),
  answer: closed({ is_answered_by_the_text: yes, supporting_sentence: { type: "string", maxLength: 60 } }),
  measurement: closed({
    temperature_celsius: whole(60),
    humidity_percent: whole(100),
    measured_by_a_person: yes,
  }),
  flight: closed({
    flight_number: { type: "string", pattern: "^[A-Z]{2}[0-9]{3}$" },
    departure_airport: choice("OSL", "BGO", "TRD"),
    arrival_airport: choice("OSL", "BGO", "TRD"),
  }),
  nested: closed({
    report: closed({
      summary: text,
      findings: list(closed({ severity: choice("info", "warning", "error"), description: text }), 2),
    }),
  }),
};

/** Answers that let the just-in-time compilers and caches of a server settle, in rounds of all schemas. */
const SETTLING_ROUNDS = 5;

/** Answers held to JSON schemas, over HTTP, by trained weights. */
export const structured: Scenario = {
  summary: "20 JSON schemas, /v1/chat/completions of both servers, trained weights, C = 1 and 4",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    const levels = context.options.concurrency ?? LEVELS;
    const measurements: Measurement[] = [];
    for (let round = 1; round <= (context.options.rounds ?? 3); round++) {
      for (const level of levels) {
        for (const side of context.sides) measurements.push(...(await turn(context, side, level, round)));
      }
    }
    return {
      measurements,
      checks: levels.flatMap((level) => [
        ...ratioCheck(measurements, `C=${level}`, "tokensPerSecond", { atLeast: 1.3 }),
      ]),
      charts: [chartByCase(measurements, "tokensPerSecond", "tokens/s")],
      notes: [
        "Texts differ between the servers where they write white space between a document's parts otherwise.",
        `"Fresh": the first answers of a server that are held to schemas. The other cases follow ${SETTLING_ROUNDS} rounds of schemas with other names, so nothing that is measured was said before.`,
      ],
    };
  },
};

async function turn(context: BenchContext, side: Side, level: number, round: number): Promise<Measurement[]> {
  await using started = await context.start(side, { clients: level, sequences: 0, route: "openai" });
  const server = { ...started, dialect: openaiDialect };
  const measure = async (name: string, workload: readonly GenerationRequest[]) =>
    (
      await context.measure(server, { case: name, round }, (client) =>
        runClosedLoop(client, workload, level, context.signal),
      )
    ).measurement;
  const fresh = await measure(`C=${level}, fresh`, requests(renamed));
  using client = context.client(server);
  for (let settling = 1; settling < SETTLING_ROUNDS; settling++)
    await runClosedLoop(client, requests(renamed), level, context.signal);
  return [
    fresh,
    await measure(
      `C=${level}`,
      requests((schema) => schema),
    ),
  ];
}

function requests(change: (schema: object) => object): readonly GenerationRequest[] {
  return Object.entries(schemas).map(([name, schema]) => ({
    prompt: `Invent a ${name.replaceAll("_", " ")}. Answer as JSON.`,
    newTokens: 160,
    schema: change(schema),
  }));
}

/** A schema of the same form whose properties have other names: theirs, read backwards. */
function renamed(schema: object): object {
  const backwards = (text: string) => [...text].reverse().join("");
  return JSON.parse(JSON.stringify(schema), (_, value: unknown) => {
    if (typeof value !== "object" || value === null || !("properties" in value)) return value;
    const { properties } = value as { readonly properties: Readonly<Record<string, unknown>> };
    const named = Object.entries(properties).map(([name, of]) => [backwards(name), of]);
    return { ...value, properties: Object.fromEntries(named), required: named.map(([name]) => name) };
  });
}
