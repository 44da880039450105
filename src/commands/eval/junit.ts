import type { ResultView, RunView } from "./client.ts";

/** A run as JUnit XML, which CI systems show: one test a record, failed when it did not pass, in error when it has no answer. */
export function junitReport(run: RunView, results: readonly ResultView[]): string {
  const failures = results.filter(({ passed, status }) => !passed && status === "completed").length;
  const errors = results.filter(({ status }) => status === "failed").length;
  const seconds = results.reduce((sum, result) => sum + secondsOf(result), 0);
  const counts = `tests="${results.length}" failures="${failures}" errors="${errors}" time="${seconds.toFixed(3)}"`;
  const suite = run.provenance.dataset.name;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="llm-server eval" ${counts}>`,
    `  <testsuite name="${escapeXml(suite)}" id="${escapeXml(run.run_id)}" timestamp="${escapeXml(run.created_at)}" ${counts}>`,
    "    <properties>",
    ...Object.entries(propertiesOf(run)).map(
      ([name, value]) => `      <property name="${name}" value="${escapeXml(value)}"/>`,
    ),
    "    </properties>",
    ...results.map((result) => testCase(suite, result)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function propertiesOf({ run_id, provenance }: RunView): Readonly<Record<string, string>> {
  return {
    run_id,
    model: provenance.model.name,
    model_sha256: provenance.model.file_sha256 ?? "",
    dataset_id: provenance.dataset.dataset_id,
    dataset_hash: provenance.dataset.content_hash,
  };
}

function testCase(suite: string, result: ResultView): string {
  const attributes = `classname="${escapeXml(suite)}" name="${escapeXml(result.record_id)}" time="${secondsOf(result).toFixed(3)}"`;
  if (result.failure === null) return `    <testcase ${attributes}/>`;
  const element = result.status === "failed" ? "error" : "failure";
  const lines = [
    `Prompt: ${result.input.prompt}`,
    ...(result.reference === null ? [] : [`Reference: ${result.reference.answer}`]),
    ...(result.measurement === null ? [] : [`Output: ${result.measurement.output}`]),
    ...(result.measurement?.scores ?? []).map(
      ({ criterion, score, rationale }) => `${criterion}: ${score} (${rationale})`,
    ),
    ...Object.entries(result.measurement?.metrics ?? {}).map(([name, value]) => `${name}: ${value}`),
  ];
  const message = result.error?.message ?? result.failure.code;
  return [
    `    <testcase ${attributes}>`,
    `      <${element} type="${escapeXml(result.failure.code)}" message="${escapeXml(message)}">${escapeXml(lines.join("\n"))}</${element}>`,
    "    </testcase>",
  ].join("\n");
}

function secondsOf({ measurement }: ResultView): number {
  return (measurement?.latency_ms ?? 0) / 1000;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};

/** Text for XML 1.0, which has no place for most control characters and half surrogates, escaped or not: those become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll(/[&<>"\n\r\t]/g, (character) => entities[character] as string);
}
