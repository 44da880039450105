/** What a setting costs, or what it costs to change it; settings that are not here cost nothing that could be noticed. */
export const costs: Readonly<Record<string, string>> = {
  REQUIRE_API_KEY: "`all` breaks clients of `/chat` and `/evaluate` that send no key.",
  MODEL_QUANT: "Fewer bits are less memory and faster decoding, and answers further from the original's.",
  GPU_LAYERS: "Memory of the accelerator for each layer; layers left out are computed by the processor.",
  CONTEXT_SIZE:
    "Memory: every sequence has room for that many tokens, so a longer context means fewer of them.",
  MAX_SEQUENCES:
    "KV cache for each, and time: answers that run side by side share steps, so each is slower and all together are faster.",
  KV_CACHE_MEMORY: "That memory, taken at start and never given back.",
  KV_CACHE_TYPE:
    "`q8_0` halves the memory of a token and `q4_0` quarters it; answers change a little, or noticeably with `q4_0`.",
  FLASH_ATTENTION:
    "`off` keeps the scores of a step in memory: rows of a step, times tokens of a context, times heads, times 4 bytes.",
  KV_LAYOUT: "Nothing to store; a change of layout computes the sequences that are held anew.",
  KV_HOST_MEMORY: "Memory beside the KV cache, taken as conversations give way to others.",
  KV_DISK: "Disk, and files that reveal what conversations said to anyone who may read them.",
  PREFIX_CACHE_SCOPE:
    "`key` computes again what another client has computed; `server` lets clients find out how others' prompts begin.",
  THREADS:
    "Processors that other programs on the machine do without; more threads than cores are slower than as many.",
  PINNED_PREFIXES: "KV cache that no other conversation can use.",
  BATCH_SIZE: "Larger ones compute long prompts faster, and let running streams wait longer between tokens.",
  SPECULATION:
    "Rows of a step that are computed in vain where a draft is wrong; it drafts only where that is expected to pay.",
  STEP_TARGET_MS: "A lower one makes streams smoother and the reading of prompts slower.",
  STREAM_INTERVAL_MS:
    "A lower one sends tokens sooner, in more and smaller messages, each of which takes time from the engine.",
  DATA_DIR: "Disk: datasets, indexes, runs, the ledger, and what `KV_DISK` allows.",
  DATABASE_URL: "A service to run and to back up; it saves the memory of the embedded store.",
  DATABASE_POOL_SIZE: "A connection of the database for each.",
  RESPONSES_RETENTION_DAYS: "Disk: the whole text of every response that is stored.",
  LEDGER_DAYS: "Disk: some hundred bytes a request, and a roll-up a minute.",
  REDIS_URL: "A service to run; a request waits for it, `REDIS_TIMEOUT_MS` at most.",
  RESPONSE_CACHE_TTL: "Memory within `CACHE_MEMORY`, and answers that are as old as this.",
  CACHE_MEMORY: "That memory in the server's process, taken as the caches fill.",
  JUDGE_MODEL:
    "The memory of another model, or the price of the API; without it the served model judges itself.",
  EMBEDDING_MODEL: "Memory for its weights, and every index anew when it changes.",
  RERANK_MODEL: "Memory for its weights, and the time of one pass for each passage that is ordered.",
  CHUNK_TOKENS: "Every index anew when it changes; longer passages leave room for fewer of them in a prompt.",
  SEARCH_LANGUAGE: "Every index anew when it changes.",
  RELEVANCE_FLOOR:
    "Higher: more questions are answered with nothing found; lower: more are answered from what does not belong.",
  MAX_NEW_TOKENS_LIMIT: "A longer answer holds a sequence longer.",
  MAX_QUEUE: "A longer queue refuses fewer requests and lets more of them wait.",
  QUEUE_TIMEOUT_MS: "Longer: clients wait for what may be refused in the end.",
  BODY_LIMIT: "Memory while bodies are read, eight times as much at most.",
  UPLOAD_LIMIT: "Disk, and the time to read and index the file.",
  LOG_LEVEL:
    "`debug` and `trace` write a line for every request and more; the disk is that of who collects them.",
  OTEL_EXPORTER_OTLP_ENDPOINT:
    "A message to the collector for every few requests; what it does not take is dropped.",
};
