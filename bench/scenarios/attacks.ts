import { setTimeout as delay } from "node:timers/promises";
import { Attacker } from "../load/attacker.ts";
import type { AttackReport } from "../load/attacker-process.ts";
import { attacks as allAttacks } from "../load/attacks.ts";
import { Bystander } from "../load/bystander.ts";
import type { BystanderReport } from "../load/bystander-thread.ts";
import type { Check, Measurement } from "../report/report.ts";
import { percentile } from "../report/statistics.ts";
import { finite } from "../report/summary.ts";
import { API_KEY } from "../servers/launches.ts";
import { readMetrics } from "../servers/prometheus.ts";
import { UsageMonitor } from "../servers/usage-monitor.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

/** Longest time that other clients' `/healthz` may take during any attack. */
const PROBE_BAR_MS = 250;
/** How many times their normal length other clients' gaps between tokens may have. */
const GAP_BAR = 3;
const NORMAL_MS = 6_000;
/** After an attack, for what it left behind. */
const AFTERMATH_MS = 500;

/** What other clients notice of each kind of attack, one after the other. */
export const attacks: Scenario = {
  summary: `${allAttacks.length} kinds of attack: how long others wait for /healthz and for their stream's tokens`,
  defaultModel: "src/models/builtin/builtin.gguf",
  async run(context) {
    await using server = await context.start("ours", { clients: 8, env: { MAX_QUEUE: "64" } });
    // The first of everything is slow: compiled code, threads, pages.
    await watched(server.url, () => delay(2_000));
    const normal = await watched(server.url, () => delay(context.options.durationSeconds ?? NORMAL_MS));
    const measurements: Measurement[] = [measurementOf("undisturbed", normal, normal, {}, {})];
    using attacker = new Attacker();
    for (const attack of allAttacks)
      measurements.push(await measure(context, server, { attacker, name: attack.name }, normal));
    return { measurements, checks: measurements.slice(1).flatMap(checksOf), charts: [], notes: [] };
  },
};

async function watched(url: string, work: () => Promise<void>): Promise<BystanderReport> {
  const bystander = new Bystander({ url, apiKey: API_KEY });
  await bystander.ready();
  await work();
  await delay(AFTERMATH_MS);
  return bystander.stop();
}

async function measure(
  context: BenchContext,
  { url, pid }: { readonly url: string; readonly pid: number },
  { attacker, name }: { readonly attacker: Attacker; readonly name: string },
  normal: BystanderReport,
): Promise<Measurement> {
  context.signal.throwIfAborted();
  let statuses: AttackReport["statuses"] = {};
  const restarts = async () => (await readMetrics(url)).sum("engine_restarts_total") ?? 0;
  const before = await restarts();
  using monitor = new UsageMonitor(pid);
  const seen = await watched(url, async () => {
    ({ statuses } = await attacker.run({ name, url, apiKey: API_KEY }));
  });
  const figures = finite({
    engineRestarts: (await restarts()) - before,
    maxResidentMib: monitor.maxResidentBytes / 2 ** 20,
    ...Object.fromEntries(Object.entries(statuses).map(([status, count]) => [`status_${status}`, count])),
  });
  for (const failure of seen.failures) context.say(`    ${failure}`);
  const measurement = measurementOf(name, seen, normal, figures, { bystander: seen.failures.length });
  const { probeWorstMs = 0, gapP99Ratio = 0, gapWorstMs = 0 } = measurement.figures;
  context.say(
    `  ${name}: /healthz at worst ${probeWorstMs.toFixed(0)} ms; gaps p99 ${gapP99Ratio.toFixed(1)} times normal, at worst ${gapWorstMs.toFixed(0)} ms; ${JSON.stringify(statuses)}`,
  );
  return measurement;
}

function measurementOf(
  name: string,
  { probesMs, gapsMs }: BystanderReport,
  normal: BystanderReport,
  more: Readonly<Record<string, number>>,
  failures: Readonly<Record<string, number>>,
): Measurement {
  return {
    case: name,
    side: "ours",
    round: 1,
    failures,
    figures: finite({
      probeWorstMs: percentile(probesMs, 100),
      probeP50Ms: percentile(probesMs, 50),
      gapP50Ms: percentile(gapsMs, 50),
      gapP99Ms: percentile(gapsMs, 99),
      gapWorstMs: percentile(gapsMs, 100),
      gapP50Ratio: percentile(gapsMs, 50) / percentile(normal.gapsMs, 50),
      gapP99Ratio: percentile(gapsMs, 99) / percentile(normal.gapsMs, 99),
      ...more,
    }),
  };
}

function checksOf({ case: name, figures, failures }: Measurement): Check[] {
  const { probeWorstMs = Number.NaN, gapP99Ratio = Number.NaN, engineRestarts = Number.NaN } = figures;
  return [
    {
      what: `${name}: longest /healthz`,
      measured: `${probeWorstMs.toFixed(0)} ms`,
      bar: `≤ ${PROBE_BAR_MS} ms`,
      isMet: probeWorstMs <= PROBE_BAR_MS,
    },
    {
      what: `${name}: gaps of a stream, p99 over normal`,
      measured: gapP99Ratio.toFixed(2),
      bar: `≤ ${GAP_BAR}`,
      isMet: gapP99Ratio <= GAP_BAR,
    },
    {
      what: `${name}: engines lost, streams and probes that failed`,
      measured: String(engineRestarts + (failures["bystander"] ?? 0)),
      bar: "0",
      isMet: engineRestarts === 0 && (failures["bystander"] ?? 0) === 0,
    },
  ];
}
