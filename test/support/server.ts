import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { TEST_MODEL } from "./model.ts";

const STOP_TIMEOUT_MS = 40_000;

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const answerSchemas = new URL("answer-schemas.ts", import.meta.url).href;

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A server under test: a process of its own on a free port, as a user would run it. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
  /** Every log line so far; lines that are not JSON come as `{ level: "text", msg }`. */
  readonly log: readonly LogLine[];
  /** Path of a directory of this server's own, removed with it. */
  readonly directory: string;
  /** POSTs JSON; a key header is sent unless `headers` says otherwise. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends SIGTERM and resolves to the exit code. */
  stop(): Promise<number | null>;
}

export interface ServerSettings {
  readonly env?: Readonly<Record<string, string>>;
  /** Wait until `/readyz` says yes; true unless told otherwise. */
  readonly waitUntilReady?: boolean;
}

/** Key that the default configuration takes. */
export const KEY = { "x-api-key": "dev-local-key" };

/** Starts `npm start`'s command with a small model, one compute thread, and nothing of the caller's environment. */
export async function startServer(settings: ServerSettings = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  const child = spawn(process.execPath, ["--import", answerSchemas, main, "serve"], {
    cwd: directory,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: directory,
      HF_HOME: join(directory, "hf"),
      HF_HUB_OFFLINE: "1",
      DATA_DIR: join(directory, "data"),
      PORT: "0",
      THREADS: "1",
      // Some sequences: clearing the memory of the default's 64 takes a second of each start.
      KV_CACHE_MEMORY: "24MiB",
      // With few sequences more of a burst waits.
      MAX_QUEUE: "120",
      MODEL_NAME: TEST_MODEL,
      LOG_FORMAT: "json",
      ...settings.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: LogLine[] = [];
  const address = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      const entry = parseLine(line);
      log.push(entry);
      const match = /listening on (http:\S+)$/.exec(entry.msg);
      if (match?.[1] !== undefined) address.resolve(match[1]);
    });
  }
  const exited = once(child, "exit");
  const url = await Promise.race([
    address.promise,
    exited.then(([code]) => {
      throw new Error(`the server ended with exit code ${code}: ${log.map(({ msg }) => msg).join("\n")}`);
    }),
  ]).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  const server: TestServer = {
    url,
    process: child,
    log,
    directory,
    post: (path, body, headers = KEY) =>
      fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    get: (path, headers = KEY) => fetch(url + path, { headers }),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        // A server that does not end fails its test and not the whole run.
        const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
        await exited;
        clearTimeout(timer);
      }
      return child.exitCode;
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  if (settings.waitUntilReady === false) return server;
  try {
    await untilReady(server);
    return server;
  } catch (error) {
    // No caller has it yet, to dispose of it.
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Resolves when `/readyz` answers 200. @throws Error with the log when the server ends before */
export async function untilReady(server: TestServer): Promise<void> {
  await until(async () => {
    const { exitCode, signalCode } = server.process;
    if (exitCode !== null || signalCode !== null)
      throw new Error(server.log.map(({ msg }) => msg).join("\n"));
    // A connection that is refused or cut belongs to a server that is about to end, whose log will say why.
    return server.get("/readyz").then(
      ({ status }) => status === 200,
      () => false,
    );
  });
}

/** Polls until `condition` holds. @throws Error after `timeoutMs` */
export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`condition not met within ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The events of a server-sent event stream, each as the text after `data: `. */
export async function* readEvents(response: Response): AsyncIterable<string> {
  if (response.body === null) return;
  let buffered = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    buffered += chunk;
    const events = buffered.split("\n\n");
    buffered = events.pop() ?? "";
    for (const event of events) {
      for (const line of event.split("\n")) if (line.startsWith("data: ")) yield line.slice(6);
    }
  }
}

/** Value of one metric line, summed over its labels; 0 when it is absent. */
export async function metric(server: TestServer, name: string): Promise<number> {
  const text = await (await server.get("/v1/metrics")).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: "text", msg: line };
  }
}

/** The body of an answer, as what the test expects it to be. */
export async function json<T>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}
