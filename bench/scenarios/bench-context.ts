import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "../load/client.ts";
import type { LoadResult } from "../load/closed-loop.ts";
import { runClosedLoop } from "../load/closed-loop.ts";
import { makeWorkload } from "../load/workload.ts";
import type { BenchModel } from "../models/make-model.ts";
import type { Options } from "../options.ts";
import type { Measurement } from "../report/report.ts";
import { countFailures, finite, summarize } from "../report/summary.ts";
import { API_KEY, ourLaunch, peerLaunch, type ServerSettings } from "../servers/launches.ts";
import { readMetrics } from "../servers/prometheus.ts";
import { type RunningServer, type Side, startServer } from "../servers/server.ts";
import { type MemorySample, UsageMonitor } from "../servers/usage-monitor.ts";

const REQUEST_TIMEOUT_MS = 300_000;
const dataRoot = fileURLToPath(new URL("../results/tmp/", import.meta.url));

export interface MeasuredLoad {
  readonly measurement: Measurement;
  readonly load: LoadResult;
  readonly memory: readonly MemorySample[];
  /** Requests that were sent before, for the server to settle. */
  readonly settling: number;
}

export interface MeasureOptions {
  readonly case: string;
  readonly round: number;
  /** Instead of the server's own side. */
  readonly side?: string;
}

export type StartSettings = Partial<ServerSettings> & {
  readonly clients: number;
  readonly route?: Options["route"];
};

/** What a scenario runs with: options, model, the servers it may start, and a line to the person watching. */
export class BenchContext {
  readonly options: Options;
  readonly model: BenchModel;
  readonly signal: AbortSignal;
  readonly #peerBinary: string | undefined;
  readonly #clients = new Set<Client>();
  /** Process ids of the servers that have settled. */
  readonly #settled = new Set<number>();

  constructor(options: Options, model: BenchModel, peerBinary: string | undefined, signal: AbortSignal) {
    this.options = options;
    this.model = model;
    this.signal = signal;
    this.#peerBinary = peerBinary;
    // An interruption must not wait for the answers under way.
    signal.addEventListener("abort", () => {
      for (const client of this.#clients) client[Symbol.dispose]();
    });
  }

  /** The servers to measure, in the order of a round. */
  get sides(): readonly Side[] {
    const { side, baseline } = this.options;
    if (baseline !== undefined) return ["ours", "baseline"];
    const sides: readonly Side[] = side === "both" ? ["ours", "peer"] : [side];
    return this.#peerBinary === undefined ? sides.filter((each) => each === "ours") : sides;
  }

  say(line: string): void {
    console.log(line);
  }

  /** A fresh server: nothing cached, and no idle one beside it. */
  async start(side: Side, settings: StartSettings): Promise<RunningServer> {
    const directory = this.dataDirectory();
    try {
      const server = await this.startIn(directory.path, side, settings);
      const stop = async () => {
        await server[Symbol.asyncDispose]();
        directory[Symbol.dispose]();
      };
      return { ...server, [Symbol.asyncDispose]: stop };
    } catch (error) {
      directory[Symbol.dispose]();
      throw error;
    }
  }

  /** An empty directory for our server to keep things in, until it is disposed of. */
  dataDirectory(): Disposable & { readonly path: string } {
    mkdirSync(dataRoot, { recursive: true });
    const path = mkdtempSync(join(dataRoot, "data-"));
    return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
  }

  /** A server over what another one left in `dataDirectory`. */
  startIn(dataDirectory: string, side: Side, settings: StartSettings): Promise<RunningServer> {
    this.signal.throwIfAborted();
    const { threads, contextSize, speculation, kvLayout, isPeerLean, baseline } = this.options;
    const { clients, route = this.options.route, ...own } = settings;
    const sequences = this.options.sequences ?? own.sequences ?? "match";
    const full: ServerSettings = {
      modelPath: this.model.path,
      contextSize,
      threads,
      dataDirectory,
      ...own,
      sequences: sequences === "match" ? clients : sequences,
      env: { SPECULATION: speculation, ...(kvLayout && { KV_LAYOUT: kvLayout }), ...own.env },
    };
    if (side !== "peer")
      return startServer(ourLaunch(full, route, side === "baseline" ? baseline : undefined));
    if (this.#peerBinary === undefined) throw new Error("LLAMA_SERVER_BIN is not set");
    return startServer(peerLaunch(this.#peerBinary, full, isPeerLean));
  }

  client(server: RunningServer): Client {
    const client = new Client({
      url: server.url,
      dialect: server.dialect,
      apiKey: API_KEY,
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
    this.#clients.add(client);
    return client;
  }

  /** Runs a load on a server that has been warmed up, and takes down everything that is reported of it. */
  async measure(
    server: RunningServer,
    options: MeasureOptions,
    run: (client: Client) => Promise<LoadResult>,
  ): Promise<MeasuredLoad> {
    using client = this.client(server);
    const settling = await warmUp(
      client,
      this.options.seed,
      this.#settled.has(server.pid) ? 1 : SETTLING_ROUNDS,
    );
    this.#settled.add(server.pid);
    const isOurs = server.side !== "peer";
    // Reading resets the histogram of event-loop delays: the next reading is about the load alone.
    const before = isOurs ? await readMetrics(server.url) : undefined;
    using monitor = new UsageMonitor(server.pid);
    const load = await run(client);
    this.signal.throwIfAborted();
    const cpuSeconds = monitor.cpuSeconds;
    const after = isOurs ? await readMetrics(server.url) : undefined;
    const grown = (name: string) => (after?.sum(name) ?? Number.NaN) - (before?.sum(name) ?? Number.NaN);
    const side = options.side ?? server.side;
    const measurement: Measurement = {
      case: options.case,
      side,
      round: options.round,
      failures: countFailures(load.outcomes),
      figures: {
        ...summarize(load, this.options.level),
        ...finite({
          cpuSeconds,
          maxResidentMib: monitor.maxResidentBytes / 2 ** 20,
          eventLoopDelayP99Ms: (after?.sum("nodejs_eventloop_lag_p99_seconds") ?? Number.NaN) * 1000,
          engineStepMs: grown("engine_step_ms_total"),
          engineNativeMs: grown("engine_native_ms_total"),
          passesPerStep: grown("engine_decode_passes_total") / grown("engine_decode_steps_total"),
        }),
      },
    };
    this.say(describe(measurement));
    return { measurement, load, memory: monitor.samples, settling };
  }
}

/** Rounds of requests, and the time for them, in which the just-in-time compilers of a fresh server settle. */
const SETTLING_ROUNDS = 25;
const SETTLING_MS = 4_000;

/** Loads pages, warms the just-in-time compilers and opens connections; prompts of its own. Returns how many it sent. */
async function warmUp(client: Client, seed: number, rounds: number): Promise<number> {
  const fixed = (value: number) => ({ type: "fixed", value }) as const;
  const until = performance.now() + SETTLING_MS;
  let sent = 0;
  for (let round = 0; round < rounds && performance.now() < until; round++) {
    const workload = makeWorkload({
      requests: 4,
      promptTokens: fixed(24),
      newTokens: fixed(16),
      seed: seed + 1_000_003 + round,
    });
    await runClosedLoop(client, workload, 2);
    sent += workload.length;
  }
  return sent;
}

function describe({ case: name, side, round, figures }: Measurement): string {
  const of = (figure: string) => (figures[figure] ?? Number.NaN).toFixed(0);
  return (
    `  ${name} ${side} (round ${round}): ${of("tokensPerSecond")} tok/s, latency p50 ${of("latencyP50Ms")} p95 ` +
    `${of("latencyP95Ms")} ms, first token p95 ${of("firstTokenP95Ms")} ms, gap p95 ${of("gapP95Ms")} ms, ` +
    `${of("completed")} of ${of("requests")} complete, ${of("rejected")} rejected, ${of("failed")} failed`
  );
}
