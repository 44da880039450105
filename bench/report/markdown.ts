import { casesOf, compare, medianOf, referenceOf, sidesOf } from "./comparison.ts";
import type { Measurement, RunHeader, ScenarioReport } from "./report.ts";

/** The report as a person reads it: bars first, then medians, then ratios with their spread. */
export function toMarkdown(header: RunHeader, report: ScenarioReport): string {
  const sections = [
    `# ${header.scenario}`,
    `${header.startedAt} · ${header.model} · seed ${header.seed} · ${header.cores} cores (${header.cpu}), ` +
      `${header.memoryGib} GiB · Node ${header.node} · commit ${header.commit} · \`${header.arguments.join(" ")}\``,
    report.checks.length > 0 ? `## Bars\n\n${checkTable(report)}` : "",
    `## Medians over the rounds\n\n${medianTable(report.measurements)}`,
    ratioSection(report.measurements),
    failureSection(report.measurements),
    report.notes.length > 0 ? `## Notes\n\n${report.notes.map((note) => `- ${note}`).join("\n")}` : "",
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function checkTable({ checks }: ScenarioReport): string {
  return table(
    ["bar", "measured", "at least / at most", "met"],
    checks.map(({ what, measured, bar, isMet }) => [what, measured, bar, isMet ? "yes" : "**no**"]),
  );
}

function medianTable(measurements: readonly Measurement[]): string {
  const columns = casesOf(measurements).flatMap((name) =>
    sidesOf(measurements)
      .filter((side) => measurements.some((each) => each.case === name && each.side === side))
      .map((side) => ({ name, side })),
  );
  const figures = [...new Set(measurements.flatMap((measurement) => Object.keys(measurement.figures)))];
  return table(
    ["", ...columns.map(({ name, side }) => `${name} ${side}`)],
    figures.map((figure) => [
      figure,
      ...columns.map(({ name, side }) => formatNumber(medianOf(measurements, name, side, figure))),
    ]),
  );
}

function ratioSection(measurements: readonly Measurement[]): string {
  const ratios = compare(measurements);
  if (ratios.length === 0) return "";
  const rows = ratios.map((ratio) => [
    ratio.case,
    ratio.figure,
    ratio.spread.median.toFixed(3),
    `${ratio.spread.min.toFixed(3)} – ${ratio.spread.max.toFixed(3)}`,
    ratio.spread.values.map((value) => value.toFixed(2)).join(" "),
  ]);
  return `## Ratios ours / ${referenceOf(measurements)}, round by round\n\n${table(["case", "figure", "median", "min – max", "rounds"], rows)}`;
}

function failureSection(measurements: readonly Measurement[]): string {
  const rows = measurements.flatMap((measurement) =>
    Object.entries(measurement.failures).map(([failure, count]) => [
      `${measurement.case} ${measurement.side}, round ${measurement.round}`,
      failure,
      String(count),
    ]),
  );
  return rows.length === 0
    ? ""
    : `## Not completed\n\n${table(["load", "status and reason", "count"], rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Three significant digits are more than a measurement here is worth. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined) return "";
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toString();
  return Number(value.toPrecision(3)).toString();
}
