import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Connection, Session } from "./queries.ts";

export interface Migration {
  /** File name without `.sql`: `0001-datasets`. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file. */
  readonly hash: string;
  /** The Postgres extension that it can't do without: its first line is `-- requires: vector`. */
  readonly requires: string | undefined;
}

export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

const builtIn = new URL("migrations/", import.meta.url);
/** Any number that other programs on the same database are unlikely to lock. */
const LOCK = 7_239_441_205;

/** The migrations in `directory`, in the order in which they apply. */
export function readMigrations(directory: URL = builtIn): Migration[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => {
      const sql = readFileSync(new URL(file, directory), "utf8").replaceAll("\r\n", "\n");
      return {
        name: file.slice(0, -".sql".length),
        sql,
        hash: createHash("sha256").update(sql).digest("hex"),
        requires: /^-- requires: (\w+)\n/.exec(sql)?.[1],
      };
    });
}

/**
 * Brings the database up to date: every migration that it does not have yet, in order, in one transaction. A failure
 * leaves it as it was. Those whose extension is missing are left for a start that finds it.
 * @returns why each missing extension is missing, by its name
 * @throws MigrationError when the database was migrated by other files than these
 */
export async function migrate(
  connection: Connection,
  migrations: readonly Migration[],
): Promise<ReadonlyMap<string, string>> {
  const missing = new Map<string, string>();
  for (const extension of new Set(migrations.flatMap(({ requires }) => requires ?? []))) {
    const problem = await provideExtension(connection, extension);
    if (problem !== undefined) missing.set(extension, problem);
  }
  await connection.transaction(async (session) => {
    await session.query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    await session.script(
      "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const applied = await appliedMigrations(session);
    checkHistory(applied, migrations);
    for (const migration of migrations) {
      const isPossible = migration.requires === undefined || !missing.has(migration.requires);
      if (isPossible && !applied.has(migration.name)) await apply(session, migration);
    }
  });
  return missing;
}

async function appliedMigrations(session: Session): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query<{ name: string; hash: string }>(
    "SELECT name, hash FROM schema_migrations",
  );
  return new Map(rows.map(({ name, hash }) => [name, hash]));
}

function checkHistory(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const known = new Map(migrations.map(({ name, hash }) => [name, hash]));
  for (const [name, hash] of applied) {
    const expected = known.get(name);
    if (expected === undefined) {
      throw new MigrationError(
        `The database has the migration ${name}, which this version does not know: a newer version made it. Use that one, or a backup from before.`,
      );
    }
    if (expected !== hash) {
      throw new MigrationError(
        `The migration ${name} was changed after it was applied to this database. Restore the file; put changes into a new migration.`,
      );
    }
  }
}

async function apply(session: Session, { name, sql, hash }: Migration): Promise<void> {
  try {
    await session.script(sql);
  } catch (error) {
    throw new MigrationError(`The migration ${name} failed: ${(error as Error).message}`, { cause: error });
  }
  await session.query("INSERT INTO schema_migrations (name, hash) VALUES ($1, $2)", [name, hash]);
}

/** @returns what is in the way of the extension, if anything is */
async function provideExtension(connection: Connection, extension: string): Promise<string | undefined> {
  const isInstalled = async () =>
    (await connection.query("SELECT 1 AS found FROM pg_extension WHERE extname = $1", [extension])).length >
    0;
  if (await isInstalled()) return undefined;
  const available = await connection.query("SELECT 1 AS found FROM pg_available_extensions WHERE name = $1", [
    extension,
  ]);
  if (available.length === 0) return `the extension ${extension} is not installed on the Postgres server`;
  try {
    await connection.script(`CREATE EXTENSION IF NOT EXISTS "${extension}"`);
    return undefined;
  } catch (error) {
    // Another server may have made it in the same moment.
    if (await isInstalled()) return undefined;
    return `the extension ${extension} can't be created: ${(error as Error).message}`;
  }
}
