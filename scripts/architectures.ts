/**
 * Tries tiny models of the architectures named on the command line, or of all that llama.cpp names, keeps what came
 * of them in test/support/architectures/outcomes.json, and writes the list into docs/models.md. All take 40 minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { architectures } from "../test/support/architectures/names.ts";
import { outcomesOf } from "../test/support/architectures/outcomes.ts";
import { MARKS, report, type Tried } from "../test/support/architectures/report.ts";

const outcomesFile = new URL("../test/support/architectures/outcomes.json", import.meta.url);
const docsFile = new URL("../docs/models.md", import.meta.url);

const named = process.argv.slice(2);
const known = new Map(
  (JSON.parse(readFileSync(outcomesFile, "utf8")) as readonly Tried[]).map((tried) => [
    tried.architecture,
    tried,
  ]),
);
for (const architecture of named.length > 0 ? named : architectures) {
  const { separate, shared } = await outcomesOf(architecture);
  known.set(architecture, { architecture, separate, shared });
  process.stdout.write(`${architecture}: ${separate.type}, ${shared.type}\n`);
  const all = [...known.values()].toSorted((a, b) => (a.architecture < b.architecture ? -1 : 1));
  writeFileSync(outcomesFile, `${JSON.stringify(all, null, 2)}\n`);
}
const all = JSON.parse(readFileSync(outcomesFile, "utf8")) as readonly Tried[];
const docs = readFileSync(docsFile, "utf8");
const [open, close] = MARKS;
const start = docs.indexOf(open) + open.length;
const written = `${docs.slice(0, start)}\n${report(all, architectures)}\n${docs.slice(docs.indexOf(close))}`;
writeFileSync(docsFile, written);
