import { Conversations, type SentTurn } from "../load/conversations.ts";
import { firstTokenMs } from "../load/outcome.ts";
import type { Measurement } from "../report/report.ts";
import { percentile, sum } from "../report/statistics.ts";
import { finite } from "../report/summary.ts";
import type { Side } from "../servers/server.ts";
import { alternate, ratioCheck } from "./alternation.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

const SESSIONS = 60;
const TURNS = 6;
const CLIENTS = 4;

/** More conversations than a server runs at once, and a restart in their middle. */
export const conversations: Scenario = {
  summary:
    "60 sessions × 6 turns of 60 words and 40 tokens, 4 clients, random order, both servers as they start, restarted after half of the turns",
  defaultModel: "distilgpt2",
  async run(context) {
    const turns = context.options.requests ?? TURNS;
    const measurements = await alternate(context, 3, (side, round) => turnOf(context, side, round, turns));
    return {
      measurements,
      checks: [
        ...ratioCheck(measurements, "all turns", "loadSeconds", { atMost: 1 / 1.3 }),
        ...ratioCheck(measurements, "all turns", "laterFirstTokenP50Ms", { atMost: 1 / 3 }),
        ...ratioCheck(measurements, "all turns", "afterRestartFirstTokenP50Ms", { atMost: 1 / 8 }),
      ],
      charts: [],
      notes: [
        "loadSeconds: both halves, without the restart between them; laterFirstToken: of turns that follow another without a restart between; " +
          "afterRestartFirstToken: of each session's first turn after it.",
      ],
    };
  },
};

async function turnOf(
  context: BenchContext,
  side: Side,
  round: number,
  turns: number,
): Promise<readonly Measurement[]> {
  const { options } = context;
  const half = Math.floor(turns / 2);
  const clients = options.concurrency?.[0] ?? CLIENTS;
  const all = new Conversations({
    sessions: SESSIONS,
    turns,
    promptTokens: Number(options.promptTokens ?? 60),
    newTokens: Number(options.newTokens ?? 40),
    seed: options.seed + 100 * round,
  });
  using directory = context.dataDirectory();
  const sent: SentTurn[] = [];
  const halves: Measurement[] = [];
  for (const [name, until] of [
    ["before the restart", half],
    ["after it", turns],
  ] as const) {
    await using server = await context.startIn(directory.path, side, { clients, sequences: 0 });
    const { measurement } = await context.measure(server, { case: name, round }, async (client) => {
      const load = await all.run(client, { until, clients, signal: context.signal });
      sent.push(...load.sent);
      return load;
    });
    halves.push(measurement);
  }
  return [...halves, whole(halves, sent, half)];
}

/** The figures of both halves together. */
function whole(halves: readonly Measurement[], sent: readonly SentTurn[], half: number): Measurement {
  const [first, second] = halves;
  if (first === undefined || second === undefined) throw new Error("a half is missing");
  const firstTokens = (isWanted: (turn: number) => boolean) =>
    sent.filter(({ turn }) => isWanted(turn)).flatMap(({ outcome }) => firstTokenMs(outcome) ?? []);
  const later = firstTokens((turn) => turn > 0 && turn !== half);
  const restarted = firstTokens((turn) => turn === half);
  const usages = sent.flatMap(({ outcome }) => outcome.usage ?? []);
  const failures = { ...first.failures, ...second.failures };
  const figures = finite({
    loadSeconds: sum(halves.map(({ figures: of }) => of["wallSeconds"] ?? Number.NaN)),
    laterFirstTokenP50Ms: percentile(later, 50),
    laterFirstTokenP95Ms: percentile(later, 95),
    afterRestartFirstTokenP50Ms: percentile(restarted, 50),
    afterRestartFirstTokenP95Ms: percentile(restarted, 95),
    computedPromptTokens: sum(usages.map((usage) => usage.promptTokens - usage.cachedPromptTokens)),
    promptTokens: sum(usages.map((usage) => usage.promptTokens)),
  });
  return { ...first, case: "all turns", failures, figures };
}
