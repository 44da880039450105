import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { UnavailableError } from "../errors.ts";
import { formatBytes } from "../models/disk-space.ts";
import { restoreBackup, writeBackup } from "../platform/store/backup.ts";

interface Settings {
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
}

/** `npm run backup -- FILE`. @returns the exit code: 0 done, 1 failed, 2 called wrongly */
export function backup(args: readonly string[], settings: Settings): Promise<number> {
  return withFile("backup", "pg_dump", args, settings, async (file) => {
    if (existsSync(file)) throw new Error(`${file} is there already: name another file, or remove it.`);
    const bytes = await writeBackup(settings.dataDir, file);
    return `Wrote ${file} (${formatBytes(bytes)})`;
  });
}

/** `npm run restore -- FILE`. @returns the exit code, as above */
export function restore(args: readonly string[], settings: Settings): Promise<number> {
  return withFile("restore", "pg_restore", args, settings, async (file) => {
    const earlier = await restoreBackup(settings.dataDir, file, new Date());
    return `Restored ${file}${earlier === undefined ? "" : `; the database that was there is now in ${earlier}`}`;
  });
}

async function withFile(
  name: string,
  postgresTool: string,
  args: readonly string[],
  { databaseUrl }: Settings,
  work: (file: string) => Promise<string>,
): Promise<number> {
  const [file, ...rest] = args;
  if (file === undefined || rest.length > 0 || file.startsWith("-")) {
    console.error(`Usage: npm run ${name} -- FILE`);
    return file === "--help" || file === "-h" ? 0 : 2;
  }
  if (databaseUrl !== undefined) {
    console.error(`DATABASE_URL is set: the store is a Postgres server, for which there is ${postgresTool}.`);
    return 1;
  }
  try {
    console.log(await work(resolve(file)));
    return 0;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    console.error(error.message);
    return 1;
  }
}
