import { runClosedLoop } from "../load/closed-loop.ts";
import { SeededRandom } from "../load/random.ts";
import type { GenerationRequest } from "../load/workload.ts";
import type { Measurement } from "../report/report.ts";
import type { Side } from "../servers/server.ts";
import { ratioCheck } from "./alternation.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

const LEVELS = [1, 4];
/** The peer's own speculation by what was said before, which is off unless asked for. */
const PEER_SPECULATION = ["--spec-default"];

const facts = [
  "The Marlin printer was built in Oslo in 1974 by two brothers.",
  "Its warranty lasts 24 months from the day of purchase.",
  "The manual has a green cover and 120 pages.",
  "A service costs 80 euros and takes two days.",
  "The cartridge holds 30 millilitres of ink.",
  "The office in Bergen sells spare parts until six in the evening.",
];

/** Text that repeats its prompt, and what other requests were answered: quotes, refinements, verdicts. */
export const repetition: Scenario = {
  summary:
    "answers that quote their prompts, by trained weights, C = 1 and 4, beside the peer with its own n-gram speculation on",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    const levels = context.options.concurrency ?? LEVELS;
    const measurements: Measurement[] = [];
    for (let round = 1; round <= (context.options.rounds ?? 3); round++) {
      for (const level of levels) {
        for (const side of context.sides) measurements.push(await turn(context, side, level, round));
      }
    }
    return {
      measurements,
      checks: levels.flatMap((level) =>
        ratioCheck(measurements, `C=${level}`, "tokensPerSecond", { atLeast: 1.3 }),
      ),
      charts: [],
      notes: ["`--speculation off` measures our server without drafts, on the same requests."],
    };
  },
};

async function turn(context: BenchContext, side: Side, level: number, round: number) {
  await using server = await context.start(side, {
    clients: level,
    sequences: 0,
    peerArguments: PEER_SPECULATION,
  });
  const requests = context.options.requests ?? 24;
  const workload = Array.from({ length: requests }, (_, index) =>
    request(new SeededRandom(context.options.seed + 1000 * round + (index >> 1))),
  );
  const { measurement } = await context.measure(server, { case: `C=${level}`, round }, (client) =>
    runClosedLoop(client, workload, level, context.signal),
  );
  return measurement;
}

/** A list to be said again. Every prompt comes twice, and so does its answer. */
function request(random: SeededRandom): GenerationRequest {
  const picked = Array.from({ length: 4 }, () => facts[random.integer(facts.length)] ?? "");
  const list = picked.map((fact, index) => `${index + 1}. ${fact}`).join("\n");
  const prompt = `${list}\n\nThe same list again:\n${list}\n\nThe same list again:\n`;
  return { prompt, newTokens: 96, mayEnd: true };
}
