import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import {
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import { ApiError, InvalidRequestError } from "../errors.ts";
import { monotonicMs } from "../platform/clock.ts";
import { MemoryTokenBuckets, type TokenBuckets } from "../platform/rate-limit/token-buckets.ts";
import { limitsOf } from "../telemetry/answer-account.ts";
import type { ContentPolicy } from "../telemetry/ledger/contents.ts";
import { requestRow } from "../telemetry/ledger/request-row.ts";
import type { LedgerRow } from "../telemetry/ledger/row.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { readTraceparent, type TraceContext } from "../telemetry/otel/trace-context.ts";
import { RequestAccount } from "../telemetry/request-account.ts";
import { RunningRequests } from "../telemetry/running-requests.ts";
import { type KeyPolicy, makePublic, requireScopes } from "./access.ts";
import { limitFields, noteClient, serverTiming } from "./account-fields.ts";
import { ApiKeyGuard } from "./auth.ts";
import { BodyMemory } from "./body-memory.ts";
import { type CacheSharing, cacheScope } from "./cache-scope.ts";
import { ConcurrencyLimiter } from "./concurrency-limit.ts";
import { ConnectionErrors } from "./connection-errors.ts";
import { sendError } from "./error-envelope.ts";
import { STALL_MS } from "./event-stream.ts";
import { HostCheck } from "./host-check.ts";
import { acceptJsonOnly } from "./json-body.ts";
import { pathOf, RouteMethods } from "./method-not-allowed.ts";
import { pacedBody } from "./paced-body.ts";
import { convertQuery } from "./query.ts";
import { networkOf, RateLimiter, rateLimitHeaders } from "./rate-limit.ts";
import { limitReceiving } from "./receive-deadline.ts";
import { latencyMs, requestId } from "./request-context.ts";
import { schemaValidators } from "./schema-validators.ts";
import { versioned } from "./unversioned.ts";

export interface ServerOptions {
  readonly apiKey: string;
  readonly requireApiKey: KeyPolicy;
  /** Requests a minute and client; 0 is off. */
  readonly rateLimit: number;
  /** Requests that one client may have open at the same time; 0 is off. */
  readonly maxConcurrentPerKey: number;
  /** Bytes of a JSON body. */
  readonly bodyLimit: number;
  readonly corsOrigin: string | undefined;
  /** Address that the server will listen on. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly prefixCacheScope: CacheSharing;
  readonly ledgerContent: ContentPolicy;
}

/** All of a request must be here by then: an upload of 100 MiB is where a client sends a megabit a second. */
const RECEIVE_TIMEOUT_MS = 15 * 60_000;

/** The HTTP server with all hooks and plugins, and no routes yet; `buckets` count requests for `rateLimit`. */
export async function createServer(
  options: ServerOptions,
  log: FastifyBaseLogger,
  metrics: Metrics,
  buckets: TokenBuckets = new MemoryTokenBuckets(options.rateLimit, monotonicMs),
  recorders: readonly RequestRecorder[] = [],
  energy?: EnergySource,
  running = new RunningRequests(),
) {
  const observers = { metrics, recorders, content: options.ledgerContent, energy, running };
  const connectionErrors = new ConnectionErrors(metrics);
  const methods = new RouteMethods();
  const app = fastify({
    loggerInstance: log,
    // One line per request, written when it is over; Fastify's own two say less.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request_id" }),
    genReqId: requestId,
    bodyLimit: options.bodyLimit,
    // Sockets that stall while sending their request are closed; answers may take as long as they need.
    requestTimeout: RECEIVE_TIMEOUT_MS,
    // Node's own refusal of a request without a host has no envelope; the hook below adds one.
    http: { requireHostHeader: false },
    clientErrorHandler: (error, socket) => connectionErrors.refuse(error, socket as Socket),
    routerOptions: { maxParamLength: 256 },
    rewriteUrl: ({ url = "/" }) => versioned(url, (path) => methods.has(path)),
    // While the server closes, routes still answer for themselves, in the envelope.
    return503OnClosing: false,
    // Paths that the router itself gives up on pass no hook.
    frameworkErrors: (_error, request, reply) => {
      begin(request, reply, observers);
      connectionErrors.watch(reply.raw);
      reply.header("x-latency-ms", "0");
      const message = "The path is not a valid URL, or a part of it is longer than any id.";
      sendError(new InvalidRequestError(message), request, reply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setValidatorCompiler(schemaValidators());
  // Answers are written as they are; that routes keep to their response schemas is for tests to find.
  app.setSerializerCompiler(() => JSON.stringify);
  methods.watch(app);
  requireScopes(app);
  const guard = new ApiKeyGuard(options.apiKey, options.requireApiKey);
  const concurrency =
    options.maxConcurrentPerKey > 0 ? new ConcurrencyLimiter(options.maxConcurrentPerKey) : undefined;
  const bodies = new BodyMemory(options.bodyLimit);
  const limiter = options.rateLimit > 0 ? new RateLimiter(options.rateLimit, buckets) : undefined;

  app.decorateRequest("context");
  const hosts = new HostCheck(options);
  app.addHook("onRequest", async (request, reply) => {
    begin(request, reply, observers);
    connectionErrors.watch(reply.raw);
    hosts.check(request);
  });
  // Answers that pages of other origins could frame or sniff are refused; the docs page needs its own styles and script.
  await app.register(helmet, {
    contentSecurityPolicy: false,
    // Whether this host speaks TLS is for the proxy in front of it to promise.
    strictTransportSecurity: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
  // Before a key is asked for: browsers send none with the question whether they may, and read no refusal without it.
  if (options.corsOrigin !== undefined) {
    makePublic(app, ({ method, url }) => method === "OPTIONS" && url === "*");
    await app.register(cors, {
      origin: options.corsOrigin,
      methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
      exposedHeaders: ["x-request-id", "x-latency-ms", "x-cache", "retry-after", ...rateLimitHeaders],
    });
  }
  app.addHook("onRequest", async (request, reply) => {
    // Before the key is checked: guessing keys is limited too, and an invalid key does not get a bucket of its own.
    const key = guard.keyId(request);
    noteClient(request, key);
    const client = key === undefined ? `ip:${networkOf(request.ip)}` : "key";
    const { isProbe = false } = request.routeOptions.config;
    if (!isProbe) await limiter?.check(client, reply);
    guard.check(request);
    // Before the body is read: it would be read for nothing, and its mistakes are not what is wrong.
    if (request.is404) refuseUnmatched(request, reply, methods);
    refuseUnsupportedHeaders(request);
    bodies.check(request, reply);
    limitReceiving(request, options.bodyLimit);
    if (!isProbe && request.method === "POST") concurrency?.check(client, reply);
  });
  app.addHook("preParsing", async (request, _reply, payload) => pacedBody(request, payload as Readable));
  app.addHook("preValidation", async (request) => {
    request.context.account.received(monotonicMs());
    // Before the schema's defaults are filled in: only a client that says so wants nothing stored.
    if (isNotToBeStored(request.body)) request.context.account.forgetContent();
    convertQuery(request);
  });
  app.addHook("preHandler", async (request) => {
    const { prefixCacheScope, host } = options;
    const scope = cacheScope(prefixCacheScope, host, guard.keyId(request), request.body);
    if (scope !== "") request.context = { ...request.context, cacheScope: scope };
  });
  app.addHook("preSerialization", async (request, _reply, payload) => withRequestId(payload, request.id));
  app.addHook("onSend", async (request, reply) => {
    reply.header("x-latency-ms", String(latencyMs(request)));
    const { timings } = request.context.account;
    if (timings !== undefined) reply.header("server-timing", serverTiming(timings));
    // From here on only the client can hold the answer up; Node closes a socket on which nothing moves for that long.
    reply.raw.socket?.setTimeout(STALL_MS);
  });
  app.setErrorHandler(sendError);
  // A route, and with it the hook above, for what matches none.
  app.setNotFoundHandler((request, reply) => refuseUnmatched(request, reply, methods));

  acceptJsonOnly(app);
  return app;
}

/** @throws ApiError `not_found` or `method_not_allowed` */
function refuseUnmatched(request: FastifyRequest, reply: FastifyReply, methods: RouteMethods): never {
  const { error, allow } = methods.error(request);
  if (allow !== undefined) reply.header("allow", allow);
  throw error;
}

/** @throws ApiError for headers that HTTP demands and for those that nothing here would honour */
function refuseUnsupportedHeaders({ headers, raw }: FastifyRequest): void {
  if (headers.host === undefined && raw.httpVersion === "1.1")
    throw new InvalidRequestError("The request has no Host header.");
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    const message = `content-encoding ${encoding.slice(0, 50)} is not supported: send the body uncompressed.`;
    throw new ApiError("unsupported_media_type", message);
  }
}

/** OpenAI's `store: false`. */
function isNotToBeStored(body: unknown): boolean {
  return typeof body === "object" && body !== null && "store" in body && body.store === false;
}

/** Told of requests just before their answers are whole: the ledger, traces. */
export interface RequestRecorder {
  record(row: LedgerRow, trace: TraceContext | undefined, account: RequestAccount): void;
}

interface Observers {
  readonly metrics: Metrics;
  readonly recorders: readonly RequestRecorder[];
  readonly content: ContentPolicy;
  readonly energy: EnergySource | undefined;
  readonly running: RunningRequests;
}

/** Knows the energy that a request's steps took. */
export interface EnergySource {
  /** Joules, which are then forgotten. */
  take(requestId: string): number;
}

function begin(request: FastifyRequest, reply: FastifyReply, observers: Observers): void {
  const { metrics, content, running } = observers;
  const ended = new AbortController();
  const context = {
    requestId: request.id,
    arrivedAt: monotonicMs(),
    signal: ended.signal,
    account: new RequestAccount(content),
  };
  request.context = context;
  reply.header("x-request-id", request.id);
  const record = isRecorded(request) ? onlyOnce(() => recordIn(observers, request, reply)) : undefined;
  if (record !== undefined) {
    beforeEnd(reply, record);
    const cancel = (error: ApiError) => ended.abort(error);
    const over = running.add({ context, route: request.routeOptions.url ?? "unmatched", cancel });
    reply.raw.once("close", over);
  }
  // And not in an onResponse hook, which never hears of a client that left before the end.
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) ended.abort();
    record?.();
    finish(request, reply, metrics);
  });
}

/** What proxies log for a client that went away before its answer was whole. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * What asks for work. Reading and signing in are not recorded: a console that watches would fill the ledger with itself.
 */
function isRecorded({ method, is404, routeOptions: { url, config } }: FastifyRequest): boolean {
  return method === "POST" && !is404 && url !== undefined && config.scope !== "public";
}

/** Requests without a valid key are counted and logged; their senders must not fill the disk. */
function recordIn({ recorders, energy }: Observers, request: FastifyRequest, reply: FastifyReply): void {
  const row = rowOf(request, reply, energy?.take(request.id));
  if (row.error === "unauthorized") return;
  const trace = readTraceparent(String(request.headers["traceparent"] ?? ""));
  for (const recorder of recorders) recorder.record(row, trace, request.context.account);
}

/** Has `work` done before the last of an answer is handed over, however it is written. */
function beforeEnd({ raw }: FastifyReply, work: () => void): void {
  const { end } = raw;
  raw.end = ((...last: unknown[]) => {
    work();
    return Reflect.apply(end, raw, last);
  }) as typeof end;
}

function onlyOnce(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

function rowOf(request: FastifyRequest, reply: FastifyReply, joules: number | undefined): LedgerRow {
  const { raw } = reply;
  const type = String(raw.getHeader("content-type") ?? "");
  return requestRow({
    context: request.context,
    route: request.routeOptions.url ?? "unmatched",
    stream: /^(text\/event-stream|application\/x-ndjson)/.test(type),
    // Before the end of it: whether the client is still there to read it.
    status: raw.destroyed && !raw.writableFinished ? CLIENT_CLOSED_REQUEST : raw.statusCode,
    endedAt: monotonicMs(),
    endedAtMs: Date.now(),
    joules,
  });
}

/** Counts the request and writes its one log line. */
function finish(request: FastifyRequest, reply: FastifyReply, metrics: Metrics): void {
  const route = request.routeOptions.url ?? "unmatched";
  const { account, arrivedAt } = request.context;
  const ms = monotonicMs() - arrivedAt;
  const status = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_CLOSED_REQUEST;
  metrics.requestFinished(request.method, route, status, ms);
  if (account.error !== undefined) metrics.requestFailed(account.error);
  const limits = limitsOf(account, arrivedAt, arrivedAt + ms);
  if (limits !== undefined) metrics.answerLimited(limits.verdict);
  if (account.error?.code === "rate_limited") metrics.rateLimited();
  const fields = {
    method: request.method,
    path: route === "unmatched" ? pathOf(request) : route,
    status,
    latency_ms: Math.round(ms),
    ...account.logFields,
    ...(limits !== undefined && limitFields(limits)),
  };
  if (request.routeOptions.config.isProbe === true) request.log.debug(fields, "request");
  else request.log.info(fields, "request");
}

export type Server = Awaited<ReturnType<typeof createServer>>;

/** Every JSON object that is an answer says which request it answers. */
function withRequestId(payload: unknown, id: string): unknown {
  if (payload === null || typeof payload !== "object" || Array.isArray(payload) || "request_id" in payload)
    return payload;
  return { ...payload, request_id: id };
}
