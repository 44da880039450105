// Builds web/ into web/dist, unless what is there was made from the same sources.
// Plain JavaScript, as setup.mjs: it runs on whatever Node brought npm.
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const web = join(root, "web");
const dist = join(web, "dist");
/** Holds the digest of the sources that the build was made from. */
const madeFrom = join(dist, "made-from");

/** Whether web/dist is the build of the sources as they are. */
export function isCurrent() {
  return existsSync(madeFrom) && readFileSync(madeFrom, "utf8") === digestOfSources();
}

/** Builds, and replaces what was built before: index.html last, since a server must never see half a build. */
export async function buildConsole() {
  if (isCurrent()) return;
  const digest = digestOfSources();
  const { build } = await import("vite");
  mkdirSync(dist, { recursive: true });
  const fresh = mkdtempSync(join(tmpdir(), "llm-server-console-"));
  try {
    await build({
      root: web,
      configFile: join(web, "vite.config.js"),
      build: { outDir: fresh, emptyOutDir: false },
    });
    await compressFiles(fresh);
    const names = filesOf(fresh);
    const isPage = (name) => name.startsWith("index.html");
    for (const name of [...names.filter((name) => !isPage(name)), ...names.filter(isPage).sort().reverse()]) {
      mkdirSync(dirname(join(dist, name)), { recursive: true });
      // Two builds may be at it, of one and the same sources.
      const copy = join(dist, `${name}.${process.pid}.new`);
      cpSync(join(fresh, name), copy);
      renameSync(copy, join(dist, name));
    }
    const assets = join(dist, "assets");
    for (const name of readdirSync(assets))
      if (!names.includes(join("assets", name)) && !name.endsWith(".new"))
        rmSync(join(assets, name), { force: true });
    writeFileSync(madeFrom, digest);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Changes when a source, a package or this script does. */
function digestOfSources() {
  const hash = createHash("sha256");
  const sources = filesOf(web).filter((name) => !name.startsWith("dist"));
  for (const path of [
    ...sources.sort().map((name) => join(web, name)),
    join(root, "package-lock.json"),
    fileURLToPath(import.meta.url),
  ]) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update("\0");
  }
  return hash.digest("hex");
}

/** Paths of all files in `directory`, from there on. */
function filesOf(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath ?? entry.path, entry.name)));
}

/** Once here instead of in the server, for each answer. */
async function compressFiles(directory) {
  const best = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  await Promise.all(
    filesOf(directory).map(async (name) => {
      const path = join(directory, name);
      const bytes = readFileSync(path);
      writeFileSync(`${path}.br`, await promisify(brotliCompress)(bytes, best));
      writeFileSync(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildConsole();
