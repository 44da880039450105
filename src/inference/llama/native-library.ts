import koffi, { type LibraryHandle } from "koffi";
import { LlamaError } from "./errors.ts";

/** koffi runs native calls on its own stacks. llama.cpp reads grammars by recursion, as deep as their rules nest. */
const STACK_BYTES = 8 * 2 ** 20;

/**
 * Libraries stay loaded until the process ends: koffi unloads one without references, and libggml-base
 * ends the process when it is loaded a second time (ggml.cpp, the terminate handler it installs).
 */
const loaded = new Map<string, LibraryHandle>();

/** Why a library can't be loaded, by the system's own account; undefined where it can. */
export function loadProblem(file: string): string | undefined {
  try {
    openLibrary(file);
    return undefined;
  } catch (error) {
    return error instanceof LlamaError ? error.message : String(error);
  }
}

/** Loads a native library, once a process. @throws LlamaError `library_not_found` */
export function openLibrary(file: string): LibraryHandle {
  const known = loaded.get(file);
  if (known !== undefined) return known;
  // koffi takes its configuration before the first library only.
  if (loaded.size === 0) koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  try {
    const library = koffi.load(file);
    loaded.set(file, library);
    return library;
  } catch (error) {
    throw new LlamaError("library_not_found", `Cannot load ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
