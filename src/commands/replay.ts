import { parseArgs } from "node:util";
import type { ReplayAnswer } from "../instruments/replay/schema.ts";
import { askServer } from "./ask-server.ts";

const usage = `Usage: npm run replay -- REQUEST_ID [--level identity|score|alone] [--server URL] [--json]

Has a running server compute an answer again that was asked for with "reproducible": true, and compares
(POST /v1/requests/{id}/replay). The exit code is 1 when the answer is contradicted or the model is another.`;

/** @returns the exit code: 0 the same, 1 not, or failed, 2 called wrongly */
export async function replay(args: readonly string[], apiKey: string): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      level: { type: "string", default: "score" },
      server: { type: "string", default: "http://127.0.0.1:8000" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [id] = positionals;
  if (values.help || id === undefined) {
    console.error(usage);
    return values.help ? 0 : 2;
  }
  const path = `/v1/requests/${encodeURIComponent(id)}/replay`;
  const answer = await askServer<ReplayAnswer>(values.server, path, { level: values.level }, apiKey);
  console.log(values.json === true ? JSON.stringify(answer, null, 2) : describe(answer));
  return answer.verdict === "identical" || answer.verdict === "consistent" ? 0 : 1;
}

function describe({ level, verdict, differences, generations }: ReplayAnswer): string {
  return [
    `${verdict} (${level})`,
    ...differences.map(({ field, was, is }) => `${field} was ${was} and is ${is}`),
    ...generations.map(({ tokens, first_difference: first, largest_gap: gap }) => {
      const where = first === null ? "none differs" : `the first that differs is number ${first}`;
      return `${tokens} tokens: ${where}${gap === null ? "" : `, log-probabilities are ${gap} apart at most`}`;
    }),
  ].join("\n");
}
