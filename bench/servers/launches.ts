import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  chatDialect,
  completionDialect,
  type Dialect,
  leanCompletionDialect,
  openaiDialect,
} from "../load/dialect.ts";
import type { Launch } from "./server.ts";

export const API_KEY = "dev-local-key";

export interface ServerSettings {
  readonly modelPath: string;
  /** Tokens per sequence. */
  readonly contextSize: number;
  /** Requests that run side by side; 0 leaves each server its own choice. */
  readonly sequences: number;
  /** Compute threads; 0 gives our server its default, which follows the machine, and the peer one per core. */
  readonly threads: number;
  /** Where our server keeps what outlives it. */
  readonly dataDirectory: string;
  /** More environment for our server. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** More arguments for the peer. */
  readonly peerArguments?: readonly string[] | undefined;
}

const checkout = fileURLToPath(new URL("../..", import.meta.url));
/** Slots that llama-server makes where nothing says how many. */
const PEER_DEFAULT_SLOTS = 4;

/**
 * Our server as a user starts it, without anything else of the caller's environment: of this checkout, or of the one in
 * `baseline`.
 */
export function ourLaunch(
  settings: ServerSettings,
  route: "chat" | "openai" = "chat",
  baseline?: string,
): Launch {
  const main = join(baseline ?? checkout, "src", "main.ts");
  const optional = (name: string, value: number) => (value > 0 ? { [name]: String(value) } : {});
  return {
    side: baseline === undefined ? "ours" : "baseline",
    dialect: route === "openai" ? openaiDialect : chatDialect,
    readyPath: "/readyz",
    command: (port) => ({ file: process.execPath, args: [main, "serve"], env: { PORT: String(port) } }),
    env: {
      ...inherited(),
      HF_HUB_OFFLINE: "1",
      DATA_DIR: settings.dataDirectory,
      MODEL_NAME: settings.modelPath,
      // The OpenAI routes insist on a model's name.
      MODEL_ALIASES: `default=${settings.modelPath}`,
      CONTEXT_SIZE: String(settings.contextSize),
      LOG_LEVEL: "warn",
      LOG_FORMAT: "json",
      ...optional("MAX_SEQUENCES", settings.sequences),
      ...optional("THREADS", settings.threads),
      ...settings.env,
    },
  };
}

/**
 * llama-server with the same file, threads and room; its log is off as ours is at `warn`, everything else is its
 * default: flash attention and KV layout by its own choice, prompt cache on.
 */
export function peerLaunch(binary: string, settings: ServerSettings, isLean = false): Launch {
  const threads = String(settings.threads || availableParallelism());
  const slots = settings.sequences || PEER_DEFAULT_SLOTS;
  const dialect: Dialect = isLean ? leanCompletionDialect : completionDialect;
  return {
    side: "peer",
    dialect,
    readyPath: "/health",
    command: (port) => ({
      file: binary,
      args: [
        ...["-m", settings.modelPath, "-t", threads, "-tb", threads],
        ...(settings.sequences > 0 ? ["-np", String(slots)] : []),
        ...["-c", String(slots * settings.contextSize)],
        ...(settings.peerArguments ?? []),
        ...["--host", "127.0.0.1", "--port", String(port), "--no-webui", "--log-disable"],
      ],
    }),
    env: inherited(),
  };
}

function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "LD_LIBRARY_PATH", "LLAMA_LIBRARY_DIR", "TMPDIR"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
