import koffi from "koffi";

type Trim = (padBytes: number) => number;

/** Undefined where the C library has no such function: musl, macOS and Windows, which give memory back by themselves. */
function findTrim(): Trim | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return koffi.load("libc.so.6").func("malloc_trim", "int", ["size_t"]) as Trim;
  } catch {
    return undefined;
  }
}

/** Gives the system what was freed. glibc keeps freed blocks of up to 32 MiB for itself (mallopt(3), `M_MMAP_THRESHOLD`). */
export function trimHeap(): void {
  findTrim()?.(0);
}
