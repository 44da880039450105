import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { type LimiterClass, limiterClasses } from "../../src/telemetry/verdict.ts";
import { Neighbour } from "../load/neighbour.ts";
import { SeededRandom } from "../load/random.ts";
import { words } from "../load/workload.ts";
import type { Check } from "../report/report.ts";
import { median, sum } from "../report/statistics.ts";
import { API_KEY } from "../servers/launches.ts";
import type { RunningServer } from "../servers/server.ts";
import type { Scenario } from "./scenario.ts";

/** Answers that are judged of each limiter, unless `--requests` says how many. */
const ANSWERS = 30;
const SLOW_BODY_MS = 700;
const BUSY_PROCESSES = 4;

interface Account {
  readonly latency_ms: number;
  readonly limiter: { readonly class: LimiterClass; readonly share: number; readonly unexplained_ms: number };
}

interface Bench {
  readonly answers: number;
  /** As a user starts it, and with one sequence. */
  readonly server: RunningServer;
  readonly narrow: RunningServer;
  readonly random: SeededRandom;
}

/** A way to make answers that one class bounds. */
interface Maker {
  readonly limiter: LimiterClass;
  readonly how: string;
  make(bench: Bench): Promise<readonly Account[]>;
}

const makers: readonly Maker[] = [
  {
    limiter: "client",
    how: `the body arrives over ${SLOW_BODY_MS} ms`,
    make: ({ answers, server, random }) =>
      besideOneAnother(answers, 10, () =>
        post(server, { ...prompt(20, random), max_new_tokens: 4 }, SLOW_BODY_MS),
      ),
  },
  {
    limiter: "queue",
    how: "one sequence, 8 clients, 40 tokens each",
    make: async ({ answers, narrow, random }) => {
      const ask = () => post(narrow, { ...prompt(20, random), max_new_tokens: 40 });
      // The first ones find the sequence free.
      return (await besideOneAnother(answers + 8, 8, ask)).slice(8);
    },
  },
  {
    limiter: "prefill_compute",
    how: "prompts of 900 tokens, 1 token each, one after another",
    make: ({ answers, server, random }) =>
      besideOneAnother(answers, 1, () => post(server, { ...prompt(900, random), max_new_tokens: 1 })),
  },
  {
    limiter: "prefill_interference",
    how: "12 tokens each, beside 3 clients with prompts of 900 tokens and 1 token each",
    make: async ({ answers, server, random }) => {
      const others = new AbortController();
      const disturb = async () => {
        while (!others.signal.aborted) await post(server, { ...prompt(900, random), max_new_tokens: 1 });
      };
      const disturbing = [disturb(), disturb(), disturb()];
      await pause(300);
      const judged = await besideOneAnother(answers, 1, () =>
        post(server, { ...prompt(10, random), max_new_tokens: 12 }),
      );
      others.abort();
      await Promise.all(disturbing);
      return judged;
    },
  },
  {
    limiter: "memory_bandwidth",
    how: "60 tokens each, one after another",
    make: ({ answers, server, random }) =>
      besideOneAnother(answers, 1, () => post(server, { ...prompt(10, random), max_new_tokens: 60 })),
  },
  {
    limiter: "batch_compute",
    how: "20 clients, 30 tokens each",
    make: async ({ answers, server, random }) => {
      const ask = () => post(server, { ...prompt(10, random), max_new_tokens: 30 });
      return (await besideOneAnother(answers + 20, 20, ask)).slice(-answers);
    },
  },
  {
    limiter: "processor",
    how: `8 tokens each, one after another, beside ${BUSY_PROCESSES} busy processes, the threads fixed at one per core`,
    make: async ({ answers, server, random }) => {
      using neighbours = new DisposableStack();
      for (let count = 0; count < BUSY_PROCESSES; count++) neighbours.use(new Neighbour());
      await pause(200);
      return await besideOneAnother(answers, 1, () =>
        post(server, { ...prompt(10, random), max_new_tokens: 8 }),
      );
    },
  },
  {
    limiter: "cache",
    how: "the same request at temperature 0 again",
    make: async ({ answers, server, random }) => {
      const body = { ...prompt(10, random), max_new_tokens: 4 };
      await post(server, body);
      return besideOneAnother(answers, 1, () => post(server, body));
    },
  },
];

/** Makes each limiter on purpose: does the verdict name it? */
export const verdicts: Scenario = {
  summary: `${ANSWERS} answers of each limiter that can be made on purpose: the confusion matrix of the verdicts`,
  defaultModel: "distilgpt2",
  async run(context) {
    const random = new SeededRandom(context.options.seed);
    const env = { SPECULATION: "off", RESPONSE_CACHE_TTL: "60", MAX_QUEUE: "100" };
    const threads = context.options.threads || 2;
    const answers = context.options.requests ?? ANSWERS;
    await using server = await context.start("ours", { clients: 24, sequences: 24, threads, env });
    await using narrow = await context.start("ours", { clients: 1, sequences: 1, threads, env });
    const found = new Map<Maker, readonly Account[]>();
    for (const maker of makers) {
      context.signal.throwIfAborted();
      // Whatever came before, the model of step times has seen steps of all kinds.
      await mixed(server, random);
      const accounts = await maker.make({ answers, server, narrow, random });
      found.set(maker, accounts);
      const named = Map.groupBy(accounts, ({ limiter }) => limiter.class);
      const counts = [...named].map(([name, of]) => `${of.length} ${name}`).join(", ");
      context.say(`${maker.limiter}: ${counts} (${maker.how})`);
    }
    return {
      measurements: [],
      checks: [...found].flatMap(([maker, accounts]) => checksOf(maker, accounts)),
      charts: [],
      notes: [matrix(found), ...makers.map(({ limiter, how }) => `\`${limiter}\`: ${how}.`)],
    };
  },
};

/** Prompts and answers of many lengths, at several numbers of clients. */
async function mixed(server: RunningServer, random: SeededRandom): Promise<void> {
  for (const clients of [1, 4, 16]) {
    await besideOneAnother(clients + 4, clients, () =>
      post(server, { ...prompt(10 + random.integer(300), random), max_new_tokens: 4 + random.integer(24) }),
    );
  }
}

function prompt(tokens: number, random: SeededRandom): object {
  return { prompt: words(tokens, random), raw: true, temperature: 0, include: ["account"] };
}

async function besideOneAnother<T>(
  count: number,
  clients: number,
  ask: () => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  let left = count;
  const one = async () => {
    while (left-- > 0) results.push(await ask());
  };
  await Promise.all(Array.from({ length: clients }, one));
  return results;
}

/** Posts to `/chat`; the second half of the body after `bodyMs`. */
async function post(server: RunningServer, body: object, bodyMs = 0): Promise<Account> {
  const text = JSON.stringify(body);
  const answer = Promise.withResolvers<string>();
  const sent = request(new URL("/chat", server.url), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      "x-api-key": API_KEY,
    },
  });
  sent.once("error", answer.reject);
  sent.once("response", (response) => {
    let received = "";
    response.setEncoding("utf8").on("data", (piece: string) => {
      received += piece;
    });
    response.once("end", () => answer.resolve(received));
    response.once("error", answer.reject);
  });
  sent.write(text.slice(0, text.length / 2));
  if (bodyMs > 0) await pause(bodyMs);
  sent.end(text.slice(text.length / 2));
  const { account } = JSON.parse(await answer.promise) as { account?: Account };
  if (account === undefined) throw new Error(`an answer without an account: ${await answer.promise}`);
  return account;
}

function checksOf({ limiter }: Maker, accounts: readonly Account[]): readonly Check[] {
  const right = accounts.filter((account) => account.limiter.class === limiter).length / accounts.length;
  const unexplained =
    sum(accounts.map((account) => account.limiter.unexplained_ms)) /
    sum(accounts.map((account) => account.latency_ms));
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const share = median(accounts.map((account) => account.limiter.share));
  return [
    {
      what: `${limiter} named`,
      measured: `${percent(right)}, with ${percent(share)} of the latency at the median`,
      bar: "≥ 95 %",
      isMet: right >= 0.95,
    },
    {
      what: `unexplained, ${limiter}`,
      measured: percent(unexplained),
      bar: "≤ 5 %",
      isMet: unexplained <= 0.05,
    },
  ];
}

/** Rows are what was made, columns what was named. */
function matrix(found: ReadonlyMap<Maker, readonly Account[]>): string {
  const named = limiterClasses.filter((name) =>
    [...found.values()].flat().some(({ limiter }) => limiter.class === name),
  );
  const rows = [...found].map(([{ limiter }, accounts]) => {
    const counts = named.map((name) => accounts.filter((account) => account.limiter.class === name).length);
    return `| \`${limiter}\` | ${counts.map((count) => (count === 0 ? "" : count)).join(" | ")} |`;
  });
  return [
    "Made (rows) and named (columns):",
    "",
    `| | ${named.map((name) => `\`${name}\``).join(" | ")} |`,
    `| --- |${named.map(() => " ---: |").join("")}`,
    ...rows,
  ].join("\n");
}
