import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Tally, Traffic } from "../load/traffic.ts";
import type { Check, Measurement } from "../report/report.ts";
import { mean, percentile, sum } from "../report/statistics.ts";
import { finite } from "../report/summary.ts";
import { startPostgres, startRedis } from "../servers/killable.ts";
import { API_KEY } from "../servers/launches.ts";
import { readMetrics } from "../servers/prometheus.ts";
import { type MemorySample, UsageMonitor } from "../servers/usage-monitor.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

const DEFAULT_SECONDS = 3600;
/** Something is killed this often; each of three in turn. */
const KILL_EVERY_MS = 20_000;
const AWAY_MS = 5_000;
const SETTLE_MS = 60_000;
/** Memory of the last quarter over that of the second: the first fills caches and pools. */
const MEMORY_SLACK = 1.15;

/** Hours of everything at once, with what it stands on dying in turn. */
export const soak: Scenario = {
  summary:
    "eight kinds of traffic while the engine, Redis and Postgres are killed in turn (--duration 3600): nothing hangs, counters add up, memory is flat",
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    await using redis = await startRedis();
    await using postgres = startPostgres();
    await using server = await context.start("ours", {
      clients: 8,
      sequences: 4,
      env: { REDIS_URL: redis.url, DATABASE_URL: postgres.url },
    });
    const seconds = context.options.durationSeconds ?? DEFAULT_SECONDS;
    const before = await counted(server.url);
    const traffic = new Traffic({ url: server.url, apiKey: API_KEY, seed: context.options.seed });
    using monitor = new UsageMonitor(server.pid);
    const endsAt = performance.now() + seconds * 1000;
    const kills = { engine: 0, redis: 0, postgres: 0 };
    const victims = [
      async () => {
        process.kill(await enginePid(server.pid), "SIGKILL");
        kills.engine++;
      },
      ...([redis, postgres] as const).map((victim) => async () => {
        await victim.kill();
        await delay(AWAY_MS);
        victim.start();
        kills[victim === redis ? "redis" : "postgres"]++;
      }),
    ];
    for (let turn = 0; performance.now() + KILL_EVERY_MS < endsAt && !context.signal.aborted; turn++) {
      await delay(KILL_EVERY_MS);
      await victims[turn % victims.length]?.();
      say(context, traffic);
    }
    await delay(Math.max(0, endsAt - performance.now()));
    await traffic.stop();
    const idle = await settled(server.url);
    const after = await counted(server.url);
    const tallies = [...traffic.tallies];
    const measurements = tallies.map(([kind, tally]) => measurementOf(kind, tally));
    return {
      measurements,
      checks: checksOf({
        tallies: tallies.map(([, tally]) => tally),
        countedByServer: after - before,
        idle,
        memory: monitor.samples,
      }),
      charts: [
        {
          name: "memory",
          title: "memory of the server and its engines",
          xLabel: "seconds",
          yLabel: "resident MiB",
          lines: [
            {
              label: "ours",
              points: monitor.samples.map(({ atSeconds, residentBytes }) => [
                atSeconds,
                residentBytes / 2 ** 20,
              ]),
            },
          ],
        },
      ],
      notes: [
        `Killed: the engine ${kills.engine} times, Redis ${kills.redis}, Postgres ${kills.postgres}; the latter two were away for ${AWAY_MS / 1000} s each.`,
        "Where Postgres has no pgvector (Debian 12), questions to a corpus are refused: store_unavailable.",
        ...tallies.flatMap(([kind, { hangs, broken, wrong }]) =>
          [...hangs, ...broken, ...wrong].slice(0, 5).map((line) => `${kind}: ${line}`),
        ),
      ],
    };
  },
};

function say(context: BenchContext, { tallies }: Traffic): void {
  const all = [...tallies.values()];
  const of = (count: (tally: Tally) => number) => sum(all.map(count));
  context.say(
    `  ${of(({ served }) => served)} served, ${of(({ refused }) => refused)} refused, ${of(({ hangs }) => hangs.length)} hung, ${of(({ broken }) => broken.length)} broken, ${of(({ wrong }) => wrong.length)} wrong`,
  );
}

function measurementOf(kind: string, tally: Tally): Measurement {
  return {
    case: kind,
    side: "ours",
    round: 1,
    failures: Object.fromEntries(
      Object.entries({
        hung: tally.hangs.length,
        broken: tally.broken.length,
        wrong: tally.wrong.length,
      }).filter(([, count]) => count > 0),
    ),
    figures: finite({
      answered: tally.answered,
      served: tally.served,
      refused: tally.refused,
      latencyP50Ms: percentile(tally.latenciesMs, 50),
      latencyP99Ms: percentile(tally.latenciesMs, 99),
      latencyWorstMs: percentile(tally.latenciesMs, 100),
    }),
  };
}

interface Found {
  readonly tallies: readonly Tally[];
  readonly countedByServer: number;
  readonly idle: boolean;
  readonly memory: readonly MemorySample[];
}

function checksOf({ tallies, countedByServer, idle, memory }: Found): Check[] {
  const of = (count: (tally: Tally) => number) => sum(tallies.map(count));
  const answered = of((tally) => tally.answered);
  const broken = of((tally) => tally.broken.length);
  const quarter = (index: number) =>
    mean(
      memory
        .slice((index * memory.length) / 4, ((index + 1) * memory.length) / 4)
        .map(({ residentBytes }) => residentBytes),
    );
  const growth = quarter(3) / quarter(1);
  const none = (what: string, count: number): Check => ({
    what,
    measured: String(count),
    bar: "0",
    isMet: count === 0,
  });
  return [
    none(
      "requests without an answer after two minutes",
      of((tally) => tally.hangs.length),
    ),
    none("answers and streams that were cut without a word", broken),
    none(
      "statuses other than success, 429, 503 and 529",
      of((tally) => tally.wrong.length),
    ),
    {
      what: "requests that the server counted",
      measured: String(countedByServer),
      bar: `${answered} answered`,
      isMet: countedByServer === answered + broken,
    },
    { what: "nothing runs or waits afterwards", measured: String(idle), bar: "true", isMet: idle },
    {
      what: "memory of the last quarter over the second",
      measured: growth.toFixed(3),
      bar: `≤ ${MEMORY_SLACK}`,
      isMet: growth <= MEMORY_SLACK,
    },
  ];
}

/** Requests of the traffic's methods that the server has counted. */
async function counted(url: string): Promise<number> {
  const reading = await readMetrics(url);
  const of = (method: string) => reading.sum("http_requests_total", { method }) ?? 0;
  return of("POST") + of("DELETE");
}

async function settled(url: string): Promise<boolean> {
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until) {
    const reading = await readMetrics(url);
    const busy =
      (reading.sum("inference_running_sequences") ?? 0) + (reading.sum("inference_queue_depth") ?? 0);
    if (busy === 0) return true;
    await delay(200);
  }
  return false;
}

/** The process that generates; a moment after one has ended there may be none yet. @throws Error where none comes */
async function enginePid(server: number): Promise<number> {
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until) {
    const found = engineOf(server);
    if (found !== undefined) return found;
    await delay(200);
  }
  throw new Error("the server has no engine process");
}

/** Among the server's children. */
function engineOf(server: number): number | undefined {
  const found = readdirSync("/proc").find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
      return (
        Number(parent) === server &&
        readFileSync(`/proc/${name}/cmdline`, "utf8").includes("inference/generation/process")
      );
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}
