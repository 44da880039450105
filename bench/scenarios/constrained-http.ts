import { monotonicMs } from "../../src/platform/clock.ts";
import type { Check, Measurement } from "../report/report.ts";
import { API_KEY } from "../servers/launches.ts";
import type { RunningServer } from "../servers/server.ts";
import { alternate, ratioCheck } from "./alternation.ts";
import { askedSchemas } from "./asked-schemas.ts";
import type { BenchContext } from "./bench-context.ts";

const MAX_TOKENS = 96;
const ROUNDS = 3;
const CASE = "20 schemas over HTTP";

/** Answers to twenty schemas, one after the other, on ours and the peer: the same requests to the same route of both. */
export async function constrainedOverHttp(
  context: BenchContext,
): Promise<{ readonly measurements: readonly Measurement[]; readonly checks: readonly Check[] }> {
  const measurements = await alternate(context, ROUNDS, async (side, round) => {
    await using server = await context.start(side, { clients: 1, route: "openai" });
    // Opens the connection, compiles nothing that is asked for again.
    await ask(server, { type: "object" }, 0, 8);
    const figures = await askAll(server, context.options.seed + 100 * round);
    context.say(
      `  ${CASE}, ${side} (round ${round}): ${figures.tokensPerSecond.toFixed(1)} tokens/s, ${figures.tokens} tokens`,
    );
    return [{ case: CASE, side, round, figures, failures: {} }];
  });
  return { measurements, checks: ratioCheck(measurements, CASE, "tokensPerSecond", { atLeast: 1.3 }) };
}

async function askAll(server: RunningServer, seed: number) {
  let tokens = 0;
  const startedAt = monotonicMs();
  for (const schema of Object.values(askedSchemas)) tokens += await ask(server, schema, seed, MAX_TOKENS);
  return { tokens, tokensPerSecond: (1000 * tokens) / (monotonicMs() - startedAt) };
}

/** Returns the tokens of the answer. */
async function ask(server: RunningServer, schema: unknown, seed: number, maxTokens: number): Promise<number> {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": API_KEY },
    body: JSON.stringify({
      model: "default",
      messages: [{ role: "user", content: "Invent something and answer as JSON." }],
      response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
      max_tokens: maxTokens,
      temperature: 0.7,
      seed,
    }),
  });
  const body = (await response.json()) as { usage?: { completion_tokens: number } };
  if (response.status !== 200 || body.usage === undefined)
    throw new Error(`${server.side}: ${response.status} ${JSON.stringify(body)}`);
  return body.usage.completion_tokens;
}
