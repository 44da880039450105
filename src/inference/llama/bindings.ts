import { writeSync } from "node:fs";
import koffi, { type LibraryHandle } from "koffi";
import { LlamaError } from "./errors.ts";
import { findLibraries, type LlamaLibraries } from "./library.ts";
import { openLibrary } from "./native-library.ts";
import { type LlamaFunctions, type NativeType, signatures } from "./signatures.ts";
import { LogCallback, ProgressCallback, verifyAbi } from "./structs.ts";
import { bindThreadPools, type CreateThreadPool } from "./thread-pool.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

export interface Llama extends LlamaFunctions {
  readonly libraries: LlamaLibraries;
  readonly createThreadPool: CreateThreadPool;
  /** Registers a load-progress callback for the duration of one native call. */
  withProgress<T>(onProgress: (fraction: number) => void, call: (pointer: bigint) => T): T;
  /**
   * Hands native log lines to `onLine` while `call` runs. Only around load and context creation, which log from the
   * calling thread: a callback from a worker thread would wait for this one, which waits for the worker.
   */
  withLog<T>(onLine: (line: LogLine) => void, call: () => T): T;
  /** Drops native log lines until `call` is settled: from another thread each would wait for this one's next turn. */
  withoutLog<T>(call: () => Promise<T>): Promise<T>;
}

let loaded: Llama | undefined;

/**
 * Loads llama.cpp and the CPU variant that fits this processor, once a process, and proves the ABI.
 * @param directory a build of one's own (`LLAMA_LIBRARY_DIR`); the installed npm package when undefined.
 * @throws LlamaError `library_not_found`, `library_mismatch`
 */
export function loadLlama(directory?: string): Llama {
  loaded ??= openLlama(findLibraries(directory));
  return loaded;
}

function openLlama(libraries: LlamaLibraries): Llama {
  const library = openLibrary(libraries.files.llama);
  const functions = Object.fromEntries(
    Object.entries(signatures).map(([name, [result, args]]) => [name, bind(library, name, result, args)]),
  ) as unknown as LlamaFunctions;

  verifyAbi(
    functions.llama_version(),
    functions.llama_model_default_params(),
    functions.llama_context_default_params(),
  );

  const ggml = openLibrary(libraries.files.ggml);
  const problems = logProblems(functions);
  // A log callback that does nothing must not be one of JavaScript's: this one only reads the clock.
  const silence = koffi.address(library.symbol("llama_time_us", "int64"));
  const llama: Llama = {
    ...functions,
    libraries,
    createThreadPool: bindThreadPools(openLibrary(libraries.files.base), ggml),
    withProgress,
    withLog: withLog(functions, problems),
    withoutLog: async (call) => {
      functions.llama_log_set(silence, null);
      try {
        return await call();
      } finally {
        functions.llama_log_set(problems, null);
      }
    },
  };
  // Scores every libggml-cpu-* beside it against this processor and keeps the best; finds CUDA, Vulkan, Metal too.
  const loadBackends = bind(ggml, "ggml_backend_load_all_from_path", "void", ["str"]) as (
    path: string,
  ) => void;
  llama.withLog(
    () => {},
    () => {
      loadBackends(libraries.directory);
      functions.llama_backend_init();
    },
  );
  return llama;
}

function bind(
  library: LibraryHandle,
  name: string,
  result: NativeType,
  args: readonly NativeType[],
): unknown {
  try {
    return library.func(name, result, [...args]);
  } catch (error) {
    throw new LlamaError("library_mismatch", `The llama.cpp library lacks the function ${name}.`, {
      cause: error,
    });
  }
}

function withProgress<T>(onProgress: (fraction: number) => void, call: (pointer: bigint) => T): T {
  const pointer = koffi.register((fraction: number) => {
    onProgress(fraction);
    return true;
  }, koffi.pointer(ProgressCallback));
  try {
    return call(pointer);
  } finally {
    koffi.unregister(pointer);
  }
}

/** llama.cpp compares what it allots with the training context, and a shared buffer with that of one sequence. */
export const falseAlarm = /n_ctx_seq \(\d+\) > n_ctx_train/;

/**
 * What llama.cpp logs while no load reads its log: warnings and errors go to stderr at once, since a crash may follow; the
 * rest (a line for each restored state, each change of threads) is dropped. Returns the callback.
 */
function logProblems(functions: LlamaFunctions): bigint {
  let level: LogLine["level"] = "info";
  const pointer = koffi.register((nativeLevel: number, text: string) => {
    if (nativeLevel !== CONTINUED) level = levels[nativeLevel] ?? "info";
    if ((level === "warn" || level === "error") && !falseAlarm.test(text)) writeSync(process.stderr.fd, text);
  }, koffi.pointer(LogCallback));
  functions.llama_log_set(pointer, null);
  // Destructors of the libraries run when there is no JavaScript left to call.
  process.once("exit", () => functions.llama_log_set(null, null));
  return pointer;
}

/** GGML_LOG_LEVEL_CONT: continues the line before it. */
const CONTINUED = 5;
const levels = ["info", "debug", "info", "warn", "error"] as const;

/** `otherwise`: the callback that is in place before and afterwards. */
function withLog(functions: LlamaFunctions, otherwise: bigint): Llama["withLog"] {
  return (onLine, call) => {
    let level: LogLine["level"] = "info";
    let partial = "";
    const pointer = koffi.register((nativeLevel: number, text: string) => {
      if (nativeLevel !== CONTINUED) level = levels[nativeLevel] ?? "info";
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") onLine({ level, text: line });
    }, koffi.pointer(LogCallback));
    functions.llama_log_set(pointer, null);
    try {
      return call();
    } finally {
      functions.llama_log_set(otherwise, null);
      koffi.unregister(pointer);
    }
  };
}
