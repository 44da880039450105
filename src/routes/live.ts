import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { InvalidRequestError } from "../errors.ts";
import type { SentEvent } from "../http/event-stream.ts";
import { streamEvents } from "../http/stream-events.ts";
import type { Engine } from "../inference/engine.ts";
import { changes, type LiveSource } from "../instruments/live.ts";
import { monotonicMs } from "../platform/clock.ts";
import type { Store } from "../platform/store/database.ts";
import type { Ledger } from "../telemetry/ledger/ledger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { RunningRequests } from "../telemetry/running-requests.ts";
import type { StepRing } from "../telemetry/steps/step-ring.ts";
import { explainState } from "./readiness.ts";

const topics = ["server", "metrics", "running", "requests", "steps", "cache", "records"] as const;
type Topic = (typeof topics)[number];

/** How often a store that others share may have news. */
const SHARED_STORE_MS = 2000;

const LiveQuery = Type.Object({
  topics: Type.String({
    default: topics.join(","),
    maxLength: 200,
    format: "text",
    description: `What to follow, with commas between: ${topics.join(", ")}.`,
  }),
  interval_ms: Type.Integer({
    minimum: 500,
    maximum: 60_000,
    default: 1000,
    description: "How often to look for changes.",
  }),
});

export interface LiveDependencies {
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly steps: StepRing;
  readonly running: RunningRequests;
  /** Undefined where no requests are kept. */
  readonly ledger: Ledger | undefined;
  readonly store: Pick<Store, "writes" | "status">;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Aborts when the server begins to shut down. */
  readonly stopping: AbortSignal;
}

/** One stream that tells what has changed: what there is to read is at the routes of each. */
export function liveRoutes({
  engine,
  metrics,
  steps,
  running,
  ledger,
  store,
  now = Date.now,
  stopping,
}: LiveDependencies): FastifyPluginAsyncTypebox {
  const readiness = () =>
    engine.state.status === "ready"
      ? { status: "ready", model_loaded: true }
      : { status: "not_ready", ...explainState(engine.state) };
  const latestStep = () => ({ latest: steps.written - 1 });
  const latestRequest = () => ledger?.recent.at(-1)?.id ?? null;
  // Other servers write to a shared Postgres too, and don't tell.
  const stored = () =>
    store.status.kind === "pglite"
      ? String(store.writes)
      : `${store.writes} ${Math.floor(now() / SHARED_STORE_MS)}`;
  const sources: Readonly<Record<Topic, LiveSource>> = {
    server: { version: () => JSON.stringify(readiness()), read: readiness },
    // Rates need every reading, also those that nothing has changed in.
    metrics: { version: () => ({}), read: async () => ({ text: await metrics.registry.metrics() }) },
    // While any runs, how far it is has changed.
    running: {
      version: () => (running.size === 0 ? 0 : {}),
      read: () => ({ data: running.list(monotonicMs()) }),
    },
    requests: { version: latestRequest, read: () => ({ latest: latestRequest() }) },
    steps: { version: () => steps.written, read: latestStep },
    // The cache changes with steps.
    cache: { version: () => steps.written, read: latestStep },
    records: { version: stored, read: () => ({ version: stored() }) },
  };
  return async (app) => {
    app.get(
      "/v1/live",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Follow what changes",
          description:
            "Server-sent events named by topic, the first of each at once, later ones when something has changed: `server` has what `/readyz` has, `metrics` the text of `/v1/metrics` at each interval, `running` what `/v1/requests/running` has, `requests` the `latest` id of `/v1/requests`, `steps` and `cache` the number of the `latest` step, after which `/v1/timeline` and `/v1/cache` have more, and `records` that datasets, indexes, evaluation runs or agents' sessions may have changed.",
          querystring: LiveQuery,
        },
      },
      async (request, reply) => {
        const { topics: wanted, interval_ms: intervalMs } = request.query;
        const chosen = new Map(parseTopics(wanted).map((topic) => [topic, sources[topic]]));
        // A server that stops ends its streams; their readers go on at the next one.
        const signal = AbortSignal.any([request.context.signal, stopping]);
        return streamEvents(request, reply, { events: eventsOf(chosen, intervalMs, signal) });
      },
    );
  };
}

async function* eventsOf(
  sources: ReadonlyMap<string, LiveSource>,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<SentEvent> {
  for await (const { topic, data } of changes(sources, intervalMs, signal)) yield { event: topic, data };
}

/** @throws InvalidRequestError naming what is not a topic */
function parseTopics(text: string): readonly Topic[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !topics.some((topic) => topic === name));
  if (unknown === undefined) return topics.filter((topic) => names.includes(topic));
  throw new InvalidRequestError(
    `topics has ${JSON.stringify(unknown)}; there are ${topics.join(", ")}, with commas between.`,
    { param: "topics" },
  );
}
