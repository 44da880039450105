import koffi, { type LibraryHandle } from "koffi";
import { LlamaError } from "./errors.ts";
import type { Handle } from "./signatures.ts";

export type ThreadPoolHandle = Handle<"ggml_threadpool">;

export interface ThreadPoolOptions {
  /** Maximum threads of a decode, the calling one included. */
  readonly threads: number;
  /** Processors that the threads run on; none leaves that to the system. */
  readonly cpus: readonly number[];
  /** Each thread has one of them to itself; otherwise the system moves threads among them. */
  readonly isPlaced: boolean;
}

/** GGML_MAX_N_THREADS; processors beyond it can't be named. */
const MAX_CPUS = 512;

const NewThreadPool = koffi.proto("ggml_threadpool_new", "void *", ["void *"]);

/**
 * Creates compute threads that live as long as the process (ggml/include/ggml-backend.h, release v0.4.0), once for each
 * number and place: contexts that follow one another compute with the same ones. Without them
 * every decode starts and ends threads of its own. They sleep between decodes, when the server's own processes want
 * the cores.
 *
 * ggml's threads wait for one another by spinning, hundreds of times per decode. Two that the system puts on one core
 * take turns by whole time slices: a neighbour on another core could slow a decode twentyfold. Placed on one core each,
 * they lose to a neighbour what it takes and no more (docs/performance.md).
 */
export type CreateThreadPool = (options: ThreadPoolOptions) => ThreadPoolHandle;

/** The CPU backend is one of several libraries, chosen at load; its functions are asked for by name. */
export function bindThreadPools(base: LibraryHandle, ggml: LibraryHandle): CreateThreadPool {
  const registryByName = ggml.func("ggml_backend_reg_by_name", "void *", ["str"]);
  const functionByName = base.func("ggml_backend_reg_get_proc_address", "void *", ["void *", "str"]);
  const pools = new Map<string, ThreadPoolHandle>();
  const create = (options: ThreadPoolOptions) => {
    const registry: unknown = registryByName("CPU");
    const createPool: unknown = registry && functionByName(registry, "ggml_threadpool_new");
    if (!createPool)
      throw new LlamaError("library_mismatch", "The llama.cpp library has no CPU thread pools.");
    return koffi.call(createPool, NewThreadPool, encode(options)) as ThreadPoolHandle;
  };
  return (options) => {
    const key = JSON.stringify(options);
    const pool = pools.get(key) ?? create(options);
    pools.set(key, pool);
    return pool;
  };
}

/** `struct ggml_threadpool_params` (ggml/include/ggml.h): mask, n_threads, prio, poll, strict_cpu, paused. */
function encode({ threads, cpus, isPlaced }: ThreadPoolOptions): Buffer {
  const params = Buffer.alloc(MAX_CPUS + 16);
  const canBeNamed = cpus.length > 0 && cpus.every((cpu) => cpu < MAX_CPUS);
  if (canBeNamed) for (const cpu of cpus) params[cpu] = 1;
  params.writeInt32LE(threads, MAX_CPUS);
  params[MAX_CPUS + 12] = canBeNamed && isPlaced ? 1 : 0;
  // A pool that is created paused leaves the calling thread where it is until the pool's first use.
  params[MAX_CPUS + 13] = isPlaced ? 0 : 1;
  return params;
}
