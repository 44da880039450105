import { open } from "node:fs/promises";

/** Makes sure that a file or directory is on the disk and not only in the system's memory. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
