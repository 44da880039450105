import { homedir } from "node:os";
import { join } from "node:path";
import { mcpServersFile } from "./mcp-servers-file.ts";
import { modelsFile } from "./models-file.ts";
import { prefixFile } from "./prefix-file.ts";
import {
  aliases,
  bytes,
  choice,
  connectionUrl,
  decimal,
  directory,
  flag,
  headerList,
  hostNames,
  hostPatterns,
  integer,
  modelOrUpstream,
  optionalBytes,
  optionalInteger,
  optionalText,
  secret,
  text,
  url,
  webOrigin,
} from "./setting.ts";

export const DEFAULT_API_KEY = "dev-local-key";

const hour = 3_600_000;

/** Measured with the installed embedding model (docs/retrieval.md). */
const DEFAULT_RELEVANCE_FLOOR = 0.5;

/** Text search configurations that every Postgres 14 has. */
const searchLanguages = [
  "simple",
  "arabic",
  "armenian",
  "basque",
  "catalan",
  "danish",
  "dutch",
  "english",
  "finnish",
  "french",
  "german",
  "greek",
  "hindi",
  "hungarian",
  "indonesian",
  "irish",
  "italian",
  "lithuanian",
  "nepali",
  "norwegian",
  "portuguese",
  "romanian",
  "russian",
  "serbian",
  "spanish",
  "swedish",
  "tamil",
  "turkish",
  "yiddish",
] as const;

/** Every setting of the server, in the order of docs/configuration.md, by section. */
export const sections = {
  Listening: {
    port: integer("PORT", 8000, { min: 0, max: 65_535 }, "Port to listen on; 0 takes a free one."),
    host: text("HOST", "127.0.0.1", "an address", "Address to listen on. The Docker image sets 0.0.0.0."),
    metricsPort: optionalInteger(
      "METRICS_PORT",
      { min: 0, max: 65_535 },
      "When set, `GET /metrics` is served there too, without a key, on the same address.",
    ),
    allowedHosts: hostNames(
      "ALLOWED_HOSTS",
      "Names by which clients may call this server, beside addresses and `localhost`. Others are refused while it listens on loopback, and on every address once this is set.",
    ),
    corsOrigin: webOrigin("CORS_ORIGIN", "Origin that browsers may call this server from; none when unset."),
  },
  Access: {
    apiKey: secret(
      "API_KEY",
      DEFAULT_API_KEY,
      "Key of the `/v1` routes, in `x-api-key` or `Authorization: Bearer`.",
    ),
    requireApiKey: choice(
      "REQUIRE_API_KEY",
      "v1",
      ["v1", "all"],
      "`all` asks for the key on `/chat` and `/evaluate` too.",
    ),
    rateLimit: integer("RATE_LIMIT", 0, { min: 0, max: 1_000_000 }, "Requests a minute and key; 0 is off."),
    maxConcurrentPerKey: integer(
      "MAX_CONCURRENT_PER_KEY",
      0,
      { min: 0, max: 100_000 },
      "POST requests that one key (or address, without a key) may have open at the same time; 0 is off.",
    ),
  },
  Model: {
    modelName: optionalText(
      "MODEL_NAME",
      "see [models](models.md)",
      "Path of a `.gguf`, a Hugging Face repository (`org/name`, `org/name:Q8_0`), or `builtin`. Unset means " +
        "`distilgpt2`, or the built-in model where the hub can't be reached.",
    ),
    modelsFile: modelsFile(
      "MODELS_FILE",
      "Several models, of which a request's `model` chooses one ([several models](several-models.md)); takes the place of `MODEL_NAME`.",
    ),
    modelQuant: choice(
      "MODEL_QUANT",
      "Q8_0",
      ["F32", "F16", "BF16", "Q8_0", "Q4_0"],
      "Weight format that safetensors are converted to.",
    ),
    modelAliases: aliases(
      "MODEL_ALIASES",
      "Further names under which the routes of other APIs serve the model, for clients that insist on one; `*` is any name.",
    ),
    hfEndpoint: url("HF_ENDPOINT", "https://huggingface.co", "The hub that models are fetched from."),
    hfToken: secret("HF_TOKEN", undefined, "Token for gated and private repositories."),
    hfHome: text(
      "HF_HOME",
      join(homedir(), ".cache", "huggingface"),
      "a directory",
      "Where downloaded models are kept, shared with the Python tools.",
    ),
    hfHubOffline: flag("HF_HUB_OFFLINE", "Never ask the hub; serve what is cached."),
    gpuLayers: integer(
      "GPU_LAYERS",
      -1,
      { min: -1, max: 10_000 },
      "Layers to offload when an accelerator's libraries are installed; -1 all, 0 none.",
    ),
    llamaLibraryDir: optionalText(
      "LLAMA_LIBRARY_DIR",
      "a directory",
      "A build of llama.cpp of one's own, of the release this server is written for.",
    ),
  },
  Capacity: {
    contextSize: integer(
      "CONTEXT_SIZE",
      0,
      { min: 0, max: 10_000_000 },
      "Tokens a sequence may hold; 0 takes the model's own, as far as memory allows.",
    ),
    maxSequences: integer(
      "MAX_SEQUENCES",
      0,
      { min: 0, max: 256 },
      "Requests that run side by side; 0 takes as many as the KV cache budget holds, 64 at most.",
    ),
    kvCacheMemory: bytes(
      "KV_CACHE_MEMORY",
      "0",
      "Budget of the KV cache; 0 takes a quarter of the memory left beside the weights, 8 GiB at most.",
    ),
    kvCacheType: choice(
      "KV_CACHE_TYPE",
      "f16",
      ["f16", "q8_0", "q4_0"],
      "Format of keys and values in the cache.",
    ),
    kvLayout: choice(
      "KV_LAYOUT",
      "auto",
      ["auto", "separate", "shared"],
      "`separate` is faster for unrelated prompts, `shared` where most of each prompt is common to many; `auto` changes " +
        "between them as the traffic asks for it, and `/model` says which it is and why ([performance](performance.md)).",
    ),
    flashAttention: choice(
      "FLASH_ATTENTION",
      "auto",
      ["auto", "on", "off"],
      "Attention in one fused pass; `auto` leaves it out where the processor is slow at it for the width of the model's " +
        "heads, and `/model` says which it is and why ([performance](performance.md)).",
    ),
    kvHostMemory: optionalBytes(
      "KV_HOST_MEMORY",
      "a quarter of what is left, 8GiB at most",
      "Memory for the keys and values of conversations that gave way to others in the KV cache: they come back from there " +
        "instead of being computed again. 0 is off.",
    ),
    kvDisk: optionalBytes(
      "KV_DISK",
      "a tenth of the free space, 4GiB at most",
      "Disk for the same, in `DATA_DIR`, when memory is full and when the server ends. The files reveal what conversations " +
        "said to anyone who may read them (only the server's user may). 0 keeps nothing on disk.",
    ),
    prefixCacheScope: choice(
      "PREFIX_CACHE_SCOPE",
      "auto",
      ["auto", "server", "key"],
      "Who shares the KV cache: `server` all requests, `key` only requests with the same API key and the same " +
        "`prompt_cache_key`; `auto` is `server` where `HOST` is loopback, else `key`. A shared cache lets one client find " +
        "out, by time and `cached_prompt_tokens`, how others' prompts begin.",
    ),
    threads: integer(
      "THREADS",
      0,
      { min: 0, max: 1024 },
      "Compute threads, no more than there are processors; 0 takes one per core of the machine or the container, and " +
        "fewer while others use them.",
    ),
    pinnedPrefixes: prefixFile(
      "PINNED_PREFIXES",
      'Prefixes to keep in the KV cache permanently, and on disk between starts: `[{"system": "…"}, {"text": "…"}]`.',
    ),
    batchSize: integer(
      "BATCH_SIZE",
      512,
      { min: 32, max: 8192 },
      "Maximum number of tokens that one step computes.",
    ),
    draftModel: optionalText(
      "DRAFT_MODEL",
      "",
      "A smaller model of the same vocabulary, named as in `MODEL_NAME`, whose guesses `MODEL_NAME`'s model checks. With `MODELS_FILE` each model names its own.",
    ),
    speculation: choice(
      "SPECULATION",
      "auto",
      ["auto", "off"],
      "Drafts: of what a schema leaves no choice of, of what the text said before, and of what `DRAFT_MODEL` guesses. `auto` drafts where that is expected to be faster. It never changes the text.",
    ),
    stepTargetMs: integer(
      "STEP_TARGET_MS",
      100,
      { min: 5, max: 60_000 },
      "Time a step should stay under while streams are running: it bounds the gap between their tokens. Where little of it is " +
        "left for prompts, as on a slow machine, a step may take up to 2.5 times as long.",
    ),
    streamIntervalMs: integer(
      "STREAM_INTERVAL_MS",
      40,
      { min: 0, max: 10_000 },
      "A stream is sent what it got in this time at once; 0 sends after every step. First tokens and ends never wait.",
    ),
  },
  Store: {
    dataDir: directory("DATA_DIR", "data", "Where the server keeps what should outlive it."),
    databaseUrl: connectionUrl(
      "DATABASE_URL",
      ["postgres", "postgresql"],
      "A Postgres 14 or newer to keep datasets, indexes and runs in, instead of the embedded one in `DATA_DIR`; " +
        "retrieval needs its extension pgvector ([storage](storage.md)).",
    ),
    databasePoolSize: integer(
      "DATABASE_POOL_SIZE",
      10,
      { min: 1, max: 1000 },
      "Maximum number of connections to `DATABASE_URL`. 1 for PGlite behind pglite-socket, which mixes up the messages of several.",
    ),
  },
  Responses: {
    webhookUrl: connectionUrl(
      "WEBHOOK_URL",
      ["http", "https"],
      "A program of yours that is told when agent sessions and background responses change ([agents](agents.md)). Unset, nothing is sent.",
    ),
    webhookSecret: secret(
      "WEBHOOK_SECRET",
      undefined,
      "Key of the signatures of what is sent there: `whsec_` and base64, or any text.",
    ),
    fetchAllowedHosts: hostPatterns(
      "FETCH_ALLOWED_HOSTS",
      "Hosts that agents' `fetch` tool may ask: names, `*.example.org`, or `*`. Only at public addresses, by https.",
    ),
    fetchPrivateHosts: hostPatterns(
      "FETCH_PRIVATE_HOSTS",
      "Names and addresses that it may ask though they are of this machine or network, by http too.",
    ),
    mcpServers: mcpServersFile(
      "MCP_SERVERS_FILE",
      'MCP servers whose tools agents and responses may use: a JSON file `{"mcpServers": {…}}` ([agents](agents.md)).',
    ),
    responsesRetentionDays: integer(
      "RESPONSES_RETENTION_DAYS",
      30,
      { min: 0, max: 3650 },
      "Days that a response of `/v1/responses` is kept after it was last made or continued, and a chat completion with `store: true`; 0 keeps the latest responses in memory only, and makes none in the background ([OpenAI's API](openai.md)).",
    ),
  },
  Ledger: {
    ledgerDays: integer(
      "LEDGER_DAYS",
      30,
      { min: 0, max: 3650 },
      "Days that requests are kept for [`GET /v1/requests`](instruments.md); 0 keeps none. Never text of prompts or answers.",
    ),
    ledgerContent: choice(
      "LEDGER_CONTENT",
      "off",
      ["off", "prompts", "all"],
      "Keep the text of prompts, or of prompts and answers, beside the ledger: `GET /v1/requests/{id}` shows it to anyone with " +
        "a key. Not of requests with `store: false`.",
    ),
    ledgerContentDays: integer(
      "LEDGER_CONTENT_DAYS",
      1,
      { min: 1, max: 3650 },
      "Days that this text is kept for.",
    ),
    selfAuditHours: decimal(
      "SELF_AUDIT_HOURS",
      24,
      { min: 0, max: 8760 },
      "Every so many hours some `reproducible` answers are scored again while the server is idle, and counted in `self_audited_answers_total{verdict}`; 0 is never.",
    ),
    energyPowercapDir: directory(
      "ENERGY_POWERCAP_DIR",
      "/sys/class/powercap",
      "Where Linux has the energy counters of the processors; a container must have it mounted, and may need the right to read it.",
    ),
    pricePerKwh: decimal(
      "PRICE_PER_KWH",
      0,
      { min: 0, max: 1000 },
      "Price of energy, for the cost in [`GET /v1/energy`](instruments.md); 0 is unknown.",
    ),
    machinePricePerHour: decimal(
      "MACHINE_PRICE_PER_HOUR",
      0,
      { min: 0, max: 100_000 },
      "Price of the machine, for the same; 0 is unknown.",
    ),
    timelineKeepSlowerMs: integer(
      "TIMELINE_KEEP_SLOWER_MS",
      10_000,
      { min: 0, max: 86_400_000 },
      "Requests that take longer have their steps recorded on disk, for [`GET /v1/flights`](instruments.md); 0 records none.",
    ),
  },
  Cache: {
    redisUrl: connectionUrl(
      "REDIS_URL",
      ["redis", "rediss"],
      "A Redis (or Valkey) that several servers share for their caches and rate limits; without it, or while it is away, each keeps its own ([caching](caching.md)).",
    ),
    redisTimeoutMs: integer(
      "REDIS_TIMEOUT_MS",
      100,
      { min: 1, max: 60_000 },
      "Longest that a request waits for Redis; after it this server's own memory answers, until Redis does.",
    ),
    responseCacheTtl: integer(
      "RESPONSE_CACHE_TTL",
      0,
      { min: 0, max: 31_536_000 },
      "Seconds that answers to requests with a fixed outcome (temperature 0, or a seed) are kept for the same request again; 0 is off.",
    ),
    cacheMemory: bytes(
      "CACHE_MEMORY",
      "64MiB",
      "Memory of this process that its caches (embeddings, answers) may take together; 0 keeps nothing.",
    ),
  },
  Evaluation: {
    judgeModel: modelOrUpstream(
      "JUDGE_MODEL",
      "Who judges in `/evaluate` and in runs ([evaluation](evaluation.md)): another model, in a process of its own, or one " +
        "behind an OpenAI-compatible API. Unset means the served model.",
    ),
    judgeApiKey: secret("JUDGE_API_KEY", undefined, "Key of that API."),
    judgeTimeoutMs: integer(
      "JUDGE_TIMEOUT_MS",
      120_000,
      { min: 1, max: hour },
      "Longest wait for one answer of that API; what fails in a way that may pass is tried three times.",
    ),
  },
  Embeddings: {
    embeddingModel: optionalText(
      "EMBEDDING_MODEL",
      "see [embeddings](embeddings.md)",
      "Embedding model: path of a `.gguf`, or a Hugging Face repository that has one (`BAAI/bge-small-en-v1.5` and " +
        "`nomic-embed-text` are known by these names). Unset means the one that is installed with the server.",
    ),
    rerankModel: optionalText(
      "RERANK_MODEL",
      "see [embeddings](embeddings.md)",
      "Cross-encoder that `/v1/rerank` and retrieval order texts with: path of a `.gguf`, or a repository that has one.",
    ),
    embeddingContextSize: integer(
      "EMBEDDING_CONTEXT_SIZE",
      0,
      { min: 0, max: 1_000_000 },
      "Longest text in tokens that a GGUF of these two takes; 0 takes what it was trained for, 2,048 at most.",
    ),
    embeddingMaxQueue: integer(
      "EMBEDDING_MAX_QUEUE",
      16_384,
      { min: 0, max: 10_000_000 },
      "Texts that may wait to be embedded; a request that would make it more is refused with 503.",
    ),
  },
  Retrieval: {
    chunkTokens: integer(
      "CHUNK_TOKENS",
      256,
      { min: 32, max: 8192 },
      "Most tokens of a chunk; what the embedding model takes where that is less. Changing it indexes anew.",
    ),
    searchLanguage: choice(
      "SEARCH_LANGUAGE",
      "english",
      searchLanguages,
      "Language whose word endings and fillers the search by words knows; `simple` knows none. Changing it indexes anew.",
    ),
    relevanceFloor: decimal(
      "RELEVANCE_FLOOR",
      DEFAULT_RELEVANCE_FLOOR,
      { min: -1, max: 1 },
      "Cosine with the question below which a passage is not answered from, unless it has the question's words " +
        "([retrieval](retrieval.md)). The default suits the installed embedding model.",
    ),
  },
  Limits: {
    maxNewTokensLimit: integer(
      "MAX_NEW_TOKENS_LIMIT",
      1024,
      { min: 1, max: 1_000_000 },
      "Largest `max_new_tokens`.",
    ),
    maxQueue: optionalInteger(
      "MAX_QUEUE",
      { min: 0, max: 100_000 },
      "Requests that may wait for a sequence; one more is refused with 503. Unset: as many as there are sequences, " +
        "at least 8. Waiting then at most about doubles the time of a request.",
    ),
    queueTimeoutMs: integer(
      "QUEUE_TIMEOUT_MS",
      30_000,
      { min: 1, max: hour },
      "Longest wait for a sequence.",
    ),
    requestTimeoutMs: integer(
      "REQUEST_TIMEOUT_MS",
      300_000,
      { min: 1, max: 24 * hour },
      "Longest run of one generation.",
    ),
    bodyLimit: bytes(
      "BODY_LIMIT",
      "32MiB",
      "Largest JSON body: agents send their whole history with every request. All bodies together may be eight times as large.",
    ),
    uploadLimit: bytes("UPLOAD_LIMIT", "100MiB", "Largest file that a dataset may be made of."),
    shutdownDelayMs: integer(
      "SHUTDOWN_DELAY_MS",
      0,
      { min: 0, max: hour },
      "Time after SIGTERM in which `/readyz` already says no and requests are still served, for load balancers to notice.",
    ),
    sleepAfterMs: integer(
      "SLEEP_AFTER_MS",
      0,
      { min: 0, max: 24 * hour },
      "Time without a request after which a model gives its KV cache back and keeps its weights; the next request waits until there is a new one. 0: never.",
    ),
    shutdownTimeoutMs: integer(
      "SHUTDOWN_TIMEOUT_MS",
      25_000,
      { min: 0, max: hour },
      "Time that running requests get after SIGTERM and `SHUTDOWN_DELAY_MS`.",
    ),
    watchdogTimeoutMs: integer(
      "WATCHDOG_TIMEOUT_MS",
      30_000,
      { min: 1000, max: hour },
      "Silence after which an engine is taken for hung and restarted; slow models get ten of their steps, and loading ten times as long.",
    ),
  },
  Logging: {
    logLevel: choice(
      "LOG_LEVEL",
      "info",
      ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
      "`debug` adds the native library's own lines.",
    ),
    logFormat: choice(
      "LOG_FORMAT",
      "auto",
      ["auto", "json", "pretty"],
      "`auto` is pretty on a terminal, JSON elsewhere.",
    ),
  },
  Tracing: {
    otlpEndpoint: connectionUrl(
      "OTEL_EXPORTER_OTLP_ENDPOINT",
      ["http", "https"],
      "An OpenTelemetry collector that takes OTLP over HTTP, as `http://localhost:4318`: every request becomes a span there ([instruments](instruments.md)). Unset, nothing is sent.",
    ),
    otlpHeaders: headerList("OTEL_EXPORTER_OTLP_HEADERS", "Headers for the collector, such as its key."),
    otelServiceName: text("OTEL_SERVICE_NAME", "llm-server", "a name", "Name of this server in traces."),
  },
} as const;
