/**
 * The thread that PGlite runs on. Postgres in WebAssembly computes synchronously: on the server's own thread a bulk
 * insert or an index build would hold up every request.
 */
import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import type { FromPglite, PgliteThreadData, ToPglite } from "./protocol.ts";

const INT8 = 20;

const { directory, backup } = workerData as PgliteThreadData;
const port = parentPort;
if (port === null) throw new Error("This file is the entry of a worker thread.");
const send = (message: FromPglite) => port.postMessage(message);

const database = await PGlite.create({
  dataDir: directory,
  extensions: { vector },
  parsers: { [INT8]: Number },
  ...(backup !== undefined && { loadDataDir: await openAsBlob(backup) }),
});
port.on("message", (message: ToPglite) => {
  answer(message).then(
    (rows) => send({ type: "rows", id: message.id, rows }),
    (error: unknown) => {
      send({ type: "failed", id: message.id, failure: describe(error) });
      // After a panic of Postgres (a full disk, for one) its memory is not to be trusted; the next opening recovers.
      if (isPanic(error)) process.exit(1);
    },
  );
});
send({ type: "opened" });

async function answer(message: ToPglite): Promise<readonly object[]> {
  switch (message.type) {
    case "query":
      return (await database.query<object>(message.sql, [...message.parameters])).rows;
    case "script":
      return (await database.exec(message.sql)).flatMap(({ rows }) => rows as object[]);
    case "dump":
      await writeFile(message.file, (await database.dumpDataDir("gzip")).stream());
      return [];
    case "close":
      await database.close();
      return [];
  }
}

function describe(error: unknown) {
  const { message, code, constraint } = error as Error & { code?: string; constraint?: string };
  return { message, code, constraint };
}

function isPanic(error: unknown): boolean {
  return ["RuntimeError", "ExitStatus"].includes((error as Error).name);
}
