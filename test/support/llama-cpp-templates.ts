import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The release of node-llama-cpp whose llama.cpp the digests in `llama-cpp-renders.json` were made with. */
const RELEASE = "3.21.1";
const cache = fileURLToPath(new URL("../../node_modules/.cache/llm-server/", import.meta.url));
const folder = join(cache, `chat-templates-${RELEASE}`);

/**
 * The chat templates that llama.cpp's own tests use, by file name: from the source within the npm package
 * node-llama-cpp, which is fetched once (35 MB). A text says why they can't be had.
 */
export async function llamaCppTemplates(): Promise<ReadonlyMap<string, string> | string> {
  try {
    return await read();
  } catch {
    // Not fetched yet.
  }
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, "fetch-"));
  try {
    await run("npm", ["pack", "--silent", `node-llama-cpp@${RELEASE}`], { cwd: work, timeout: 120_000 });
    await run("tar", ["xzf", `node-llama-cpp-${RELEASE}.tgz`, "package/llama/gitRelease.bundle"], {
      cwd: work,
    });
    await run("git", ["clone", "-q", "--bare", "package/llama/gitRelease.bundle", "source.git"], {
      cwd: work,
    });
    await run("git", ["-C", "source.git", "archive", "-o", "../templates.tar", "HEAD", "models/templates"], {
      cwd: work,
    });
    await run("tar", ["xf", "templates.tar"], { cwd: work });
    // Another test file may have been faster.
    await rename(join(work, "models/templates"), folder).catch(() => {});
    return await read();
  } catch (error) {
    return `llama.cpp's templates can't be had: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function read(): Promise<ReadonlyMap<string, string>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".jinja"));
  return new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(join(folder, file), "utf8")] as const)),
  );
}
