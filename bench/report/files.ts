import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Options } from "../options.ts";
import { compare } from "./comparison.ts";
import { toMarkdown } from "./markdown.ts";
import type { RunHeader, ScenarioReport } from "./report.ts";
import { toSvg } from "./svg.ts";

const results = fileURLToPath(new URL("../results/", import.meta.url));

export function headerOf(options: Options, model: string, args: readonly string[]): RunHeader {
  return {
    scenario: options.scenario,
    startedAt: new Date().toISOString(),
    model,
    seed: options.seed,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    commit: commit(),
    // Paths of this machine say nothing to others.
    arguments: args.map((arg) => arg.split("/").at(-1) ?? arg),
  };
}

/** Writes `<date>-<scenario>.json`, `.md` and one `.svg` a chart; returns their paths. */
export function writeReport(
  header: RunHeader,
  report: ScenarioReport,
  directory: string = results,
): readonly string[] {
  mkdirSync(directory, { recursive: true });
  const stem = join(directory, `${header.startedAt.slice(0, 19).replaceAll(":", "")}-${header.scenario}`);
  const ratios = compare(report.measurements);
  const files: [string, string][] = [
    [`${stem}.json`, `${JSON.stringify({ ...header, ...report, ratios }, null, 2)}\n`],
    [`${stem}.md`, toMarkdown(header, report)],
    ...report.charts.map((chart): [string, string] => [`${stem}-${chart.name}.svg`, toSvg(chart)]),
  ];
  for (const [path, content] of files) writeFileSync(path, content);
  return files.map(([path]) => path);
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}
