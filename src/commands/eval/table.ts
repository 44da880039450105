import type { RunResultView } from "./client.ts";

/** What a run came to, for people: one line a figure, with its interval. */
export function resultTable(run: RunResultView): string {
  const { summary } = run;
  const rows: string[][] = [["", "mean", "95 % interval", "records"]];
  const means = (
    of: Readonly<Record<string, number>>,
    intervals: RunResultView["summary"]["mean_scores_ci95"],
  ) => {
    for (const [name, mean] of Object.entries(of)) {
      const interval = intervals[name];
      if (interval === undefined) continue;
      rows.push([
        name,
        figure(mean),
        `${figure(interval.lower)} – ${figure(interval.upper)}`,
        `${interval.count}`,
      ]);
    }
  };
  means(summary.mean_scores, summary.mean_scores_ci95);
  means(summary.mean_metrics, summary.mean_metrics_ci95);
  rows.push([
    "pass rate",
    percent(summary.pass_rate),
    `${percent(summary.pass_rate_ci95_lower)} – ${percent(summary.pass_rate_ci95_upper)}`,
    `${summary.total_items}`,
  ]);
  const { tokens } = summary;
  const lines = [
    `${run.run_id}: ${run.status.replaceAll("_", " ")}, ${run.provenance.model.name} on ${run.provenance.dataset.name}`,
    "",
    ...aligned(rows),
    "",
    `latency p50 ${figure(summary.latency_p50_ms)} ms, p95 ${figure(summary.latency_p95_ms)} ms; tokens ${tokens.prompt_tokens} prompt (${tokens.cached_prompt_tokens} cached), ${tokens.completion_tokens} completion`,
    ...run.failures.map(({ code, category, count }) => `did not pass: ${count} × ${code} (${category})`),
    ...summary.warnings.map(({ message }) => `note: ${message}`),
  ];
  return lines.join("\n");
}

function aligned(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
}

function figure(value: number | null): string {
  return value === null ? "–" : String(Number(value.toFixed(3)));
}

function percent(value: number | null): string {
  return value === null ? "–" : `${(100 * value).toFixed(1)} %`;
}
