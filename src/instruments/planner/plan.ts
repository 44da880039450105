import { SeededRandom } from "../../features/evaluation/statistics/random.ts";
import { latencyParts } from "../../telemetry/latency-parts.ts";
import { classOf, type LimiterClass } from "../../telemetry/verdict.ts";
import { mean, quantile } from "./quantiles.ts";
import { type SimulatedAnswer, type SimulatedServer, simulate } from "./simulation.ts";
import { closedLoop, drawRequest, type RequestShapes } from "./traffic.ts";

/** What every user must get, at a percentile of the answers. */
export interface ServiceLevel {
  /** 0 to 1. */
  readonly share: number;
  readonly timeToFirstTokenMs: number | undefined;
  readonly tokensPerSecond: number | undefined;
  readonly latencyMs: number | undefined;
}

export interface PlanOptions {
  readonly server: SimulatedServer;
  readonly shapes: RequestShapes;
  readonly thinkMs: number;
  readonly level: ServiceLevel;
  /** Simulations of each number of users. */
  readonly seeds: number;
  readonly maxUsers: number;
  /** Numbers of users to tell of in any case. */
  readonly users: readonly number[];
}

/** A simulated number of users. */
export interface PlanPoint {
  readonly users: number;
  readonly timeToFirstTokenMs: Spread;
  readonly latencyMs: Spread;
  /** Of an answer after its first token, that this share of the answers reach. */
  readonly tokensPerSecond: number;
  readonly requestsPerSecond: number;
  readonly refusedShare: number;
  /** Share of the answers' time that each class has. */
  readonly classes: Readonly<Partial<Record<LimiterClass, number>>>;
  readonly meets: boolean;
}

export interface Spread {
  readonly p50: number;
  /** At the service level's share, with the 5th and the 95th percentile of the simulations. */
  readonly high: number;
  readonly band: readonly [number, number];
}

export interface Plan {
  /** Most users that all get the service level; in nine of ten simulations it is between `low` and `high`. */
  readonly users: number;
  readonly low: number;
  readonly high: number;
  /** More users were not tried. */
  readonly isBeyond: boolean;
  /** What ends it, with one user more. */
  readonly stoppedBy:
    | { readonly criterion: keyof Omit<ServiceLevel, "share"> | "refusals"; readonly class: LimiterClass }
    | undefined;
  readonly points: readonly PlanPoint[];
}

/** Answers of one simulation: enough for its 95th percentile. */
const MIN_ANSWERS = 200;
const ANSWERS_PER_USER = 6;

/** How many users a server fits at a service level: the largest number at which simulations meet it. */
export function plan(options: PlanOptions): Plan {
  const seeds = Array.from({ length: options.seeds }, (_, seed) => seed + 1);
  const runs = new Map<string, readonly SimulatedAnswer[]>();
  const run = (users: number, seed: number) => {
    const key = `${users} ${seed}`;
    const known = runs.get(key) ?? simulateUsers(options, users, seed);
    runs.set(key, known);
    return known;
  };
  const capacities = seeds.map((seed) =>
    largest(options.maxUsers, (users) => meets(run(users, seed), options.level)),
  );
  const users = Math.floor(quantile(capacities, 0.5));
  const ladder = [...new Set([0.25, 0.5, 0.75, 1, 1.25, 1.5].map((factor) => Math.round(users * factor)))];
  const tried = [...new Set([1, ...ladder, users + 1, ...options.users])].filter(
    (count) => count >= 1 && (count <= options.maxUsers || options.users.includes(count)),
  );
  const points = tried
    .toSorted((a, b) => a - b)
    .map((count) =>
      point(
        count,
        seeds.map((seed) => run(count, seed)),
        options.level,
      ),
    );
  const next = points.find((each) => each.users === users + 1);
  return {
    users,
    low: Math.floor(quantile(capacities, 0.05)),
    high: Math.ceil(quantile(capacities, 0.95)),
    isBeyond: users >= options.maxUsers,
    stoppedBy:
      next &&
      stopOf(
        seeds.flatMap((seed) => run(next.users, seed)),
        options.level,
      ),
    points,
  };
}

/** The largest number up to `most` that `isMet`, which holds up to some number and not beyond; 0 where it never does. */
function largest(most: number, isMet: (users: number) => boolean): number {
  let [low, high] = [0, 1];
  while (high <= most && isMet(high)) {
    low = high;
    high *= 2;
  }
  high = Math.min(high, most + 1);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isMet(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function simulateUsers(
  { server, shapes, thinkMs }: PlanOptions,
  users: number,
  seed: number,
): readonly SimulatedAnswer[] {
  const random = new SeededRandom(seed * 7919 + users);
  const draw = () => drawRequest(shapes, server.contextPerSequence, random);
  const count = Math.max(MIN_ANSWERS, ANSWERS_PER_USER * users);
  const answers = simulate(server, closedLoop(users, thinkMs, draw, random), count + users, random);
  // The first ones found an empty server.
  return answers.toSorted((a, b) => a.arrivedAt - b.arrivedAt).slice(users);
}

function served(answers: readonly SimulatedAnswer[]): readonly SimulatedAnswer[] {
  return answers.filter(({ isRefused }) => !isRefused);
}

/** Undefined where there was no token after the first. */
function rateOf({ completionTokens, decodeMs }: SimulatedAnswer): number[] {
  return completionTokens > 1 && decodeMs > 0 ? [((completionTokens - 1) * 1000) / decodeMs] : [];
}

function failures(
  answers: readonly SimulatedAnswer[],
  level: ServiceLevel,
): Array<NonNullable<Plan["stoppedBy"]>["criterion"]> {
  const { share, timeToFirstTokenMs, latencyMs, tokensPerSecond } = level;
  const known = served(answers);
  const at = (of: (answer: SimulatedAnswer) => number) => quantile(known.map(of), share);
  const rates = known.flatMap(rateOf);
  return [
    ...(known.length < share * answers.length ? (["refusals"] as const) : []),
    ...(timeToFirstTokenMs !== undefined && at((answer) => answer.timeToFirstTokenMs) > timeToFirstTokenMs
      ? (["timeToFirstTokenMs"] as const)
      : []),
    ...(tokensPerSecond !== undefined && rates.length > 0 && quantile(rates, 1 - share) < tokensPerSecond
      ? (["tokensPerSecond"] as const)
      : []),
    ...(latencyMs !== undefined && at((answer) => answer.latencyMs) > latencyMs
      ? (["latencyMs"] as const)
      : []),
  ];
}

function meets(answers: readonly SimulatedAnswer[], level: ServiceLevel): boolean {
  return failures(answers, level).length === 0;
}

function stopOf(answers: readonly SimulatedAnswer[], level: ServiceLevel): Plan["stoppedBy"] {
  const [criterion] = failures(answers, level);
  if (criterion === undefined) return undefined;
  const phase =
    criterion === "timeToFirstTokenMs" || criterion === "refusals"
      ? "first"
      : criterion === "tokensPerSecond"
        ? "decode"
        : "all";
  const [found] = Object.entries(classShares(served(answers), phase)) as Array<[LimiterClass, number]>;
  return { criterion, class: found?.[0] ?? "queue" };
}

/** The largest first. */
function classShares(
  answers: readonly SimulatedAnswer[],
  phase: "first" | "decode" | "all" = "all",
): Partial<Record<LimiterClass, number>> {
  const sums = new Map<LimiterClass, number>();
  let total = 0;
  for (const { parts, latencyMs } of answers) {
    const span = {
      arrivedAt: 0,
      receivedAt: 0,
      endedAt: latencyMs,
      sendMs: 0,
      generations: [{ arrivedAt: 0, endedAt: latencyMs, parts }],
    };
    for (const [part, ms] of Object.entries(latencyParts(span)) as Array<
      [Parameters<typeof classOf>[0], number]
    >) {
      const isDecode = part.startsWith("decode_");
      if ((phase === "decode" && !isDecode) || (phase === "first" && isDecode)) continue;
      sums.set(classOf(part), (sums.get(classOf(part)) ?? 0) + ms);
      total += ms;
    }
  }
  const ranked = [...sums].toSorted(([, a], [, b]) => b - a);
  return Object.fromEntries(ranked.map(([name, ms]) => [name, total > 0 ? ms / total : 0]));
}

function point(
  users: number,
  simulations: ReadonlyArray<readonly SimulatedAnswer[]>,
  level: ServiceLevel,
): PlanPoint {
  const spread = (of: (answer: SimulatedAnswer) => number): Spread => {
    const highs = simulations.map((answers) => quantile(served(answers).map(of), level.share));
    const all = simulations.flatMap((answers) => served(answers).map(of));
    return {
      p50: quantile(all, 0.5),
      high: quantile(highs, 0.5),
      band: [quantile(highs, 0.05), quantile(highs, 0.95)],
    };
  };
  const all = simulations.flat();
  const rates = all.flatMap(rateOf);
  return {
    users,
    timeToFirstTokenMs: spread((answer) => answer.timeToFirstTokenMs),
    latencyMs: spread((answer) => answer.latencyMs),
    tokensPerSecond: quantile(rates, 1 - level.share),
    requestsPerSecond: mean(simulations.map(throughput)),
    refusedShare: 1 - served(all).length / Math.max(1, all.length),
    classes: classShares(served(all)),
    meets: simulations.filter((answers) => meets(answers, level)).length * 2 > simulations.length,
  };
}

function throughput(answers: readonly SimulatedAnswer[]): number {
  const ends = answers.map(({ arrivedAt, latencyMs }) => arrivedAt + latencyMs);
  const spanMs = Math.max(...ends) - Math.min(...answers.map(({ arrivedAt }) => arrivedAt));
  return spanMs > 0 ? (served(answers).length * 1000) / spanMs : 0;
}
