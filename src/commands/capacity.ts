import { parseArgs } from "node:util";
import type { Capacity, CapacityBody } from "../instruments/planner/schema.ts";
import { askServer } from "./ask-server.ts";

const usage = `Usage: npm run capacity -- [options]

Asks a running server how many users it fits, and what stops the next one (POST /v1/capacity).

  --server URL              http://127.0.0.1:8000 unless told otherwise
  --model NAME              the server's first unless told otherwise
  --ledger                  requests like those that the server has answered; else:
  --prompt TOKENS           mean length of a prompt (200)
  --shared TOKENS           leading tokens of it that all prompts have in common (0)
  --answer TOKENS           mean length of an answer (100)
  --think SECONDS           from an answer to the user's next request (10)
  --first-token MS          service level: time to first token (1000)
  --rate TOKENS             service level: tokens per second of an answer (10)
  --percentile P            of the answers that must meet it (95)
  --sequences N             what if MAX_SEQUENCES were N
  --calibrate               first run batches of many shapes, to learn what steps cost
  --json                    print the whole answer as JSON`;

/** @returns the exit code: 0 done, 1 failed, 2 called wrongly */
export async function capacity(args: readonly string[], apiKey: string): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      server: { type: "string", default: "http://127.0.0.1:8000" },
      model: { type: "string" },
      ledger: { type: "boolean" },
      prompt: { type: "string", default: "200" },
      shared: { type: "string", default: "0" },
      answer: { type: "string", default: "100" },
      think: { type: "string", default: "10" },
      "first-token": { type: "string", default: "1000" },
      rate: { type: "string", default: "10" },
      percentile: { type: "string", default: "95" },
      sequences: { type: "string" },
      calibrate: { type: "boolean", default: false },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const body: Partial<CapacityBody> = {
    ...(values.model !== undefined && { model: values.model }),
    traffic: {
      from: values.ledger === true ? "ledger" : "described",
      prompt_tokens: Number(values.prompt),
      shared_tokens: Number(values.shared),
      completion_tokens: Number(values.answer),
      variation: 0.3,
    },
    think_seconds: Number(values.think),
    service_level: {
      percentile: Number(values.percentile),
      time_to_first_token_ms: Number(values["first-token"]),
      tokens_per_second: Number(values.rate),
    },
    ...(values.sequences !== undefined && { sequences: Number(values.sequences) }),
    calibrate: values.calibrate,
  };
  const answer = await askServer<Capacity>(values.server, "/v1/capacity", body, apiKey);
  console.log(values.json === true ? JSON.stringify(answer, null, 2) : describe(answer));
  return 0;
}

function describe({ model, sentence, points, error, steps, caveats }: Capacity): string {
  const row = (cells: ReadonlyArray<string | number>) =>
    cells.map((cell) => String(cell).padStart(14)).join("");
  const percent = (share: number) => `${share > 0 ? "+" : ""}${Math.round(100 * share)} %`;
  const errors =
    error === null
      ? "Its error is unknown so far."
      : `Error on the latest ${error.requests} requests: p95 first token ${percent(error.time_to_first_token.p95.error)}, p95 latency ${percent(error.latency.p95.error)}.`;
  return [
    `${model}: ${sentence}`,
    errors,
    "",
    row(["users", "first token", "latency", "tokens/s", "requests/s", "meets"]),
    ...points.map((point) =>
      row([
        point.users,
        `${Math.round(point.time_to_first_token_ms.high)} ms`,
        `${Math.round(point.latency_ms.high)} ms`,
        point.tokens_per_second,
        point.requests_per_second,
        point.meets ? "yes" : "no",
      ]),
    ),
    "",
    `From ${steps.count} steps of this server; the expected time of a step is ${Math.round(100 * steps.median_error)} % off at the median.`,
    ...caveats,
  ].join("\n");
}
