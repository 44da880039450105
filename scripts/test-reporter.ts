/**
 * Reports one test file: Node's `spec` report without its summary on stdout, and to the runner a message as each test
 * begins and ends. `spec` itself follows the order of declaration, so it can't say which test is running.
 */
import { Readable } from "node:stream";
import type { EventData } from "node:test";
import { spec } from "node:test/reporters";

export type TestNews =
  | { readonly type: "began"; readonly name: string }
  | { readonly type: "ended"; readonly name: string; readonly outcome?: "passed" | "failed" | "skipped" };

type TestEvent =
  | { readonly type: "test:dequeue"; readonly data: EventData.TestDequeue }
  | { readonly type: "test:complete"; readonly data: EventData.TestComplete }
  | { readonly type: "test:diagnostic"; readonly data: EventData.TestDiagnostic };

export default async function* report(events: AsyncIterable<TestEvent>): AsyncIterable<string | Buffer> {
  yield* Readable.from(withoutSummary(events)).compose(spec);
}

async function* withoutSummary(events: AsyncIterable<TestEvent>): AsyncIterable<TestEvent> {
  for await (const event of events) {
    const { type, data } = event;
    if (type === "test:dequeue") tell({ type: "began", name: data.name });
    if (type === "test:complete") tell(endOf(data));
    // The counts of a file are diagnostics that belong to its first line.
    const isSummary = type === "test:diagnostic" && data.nesting === 0 && data.line === 1;
    if (!isSummary) yield event;
  }
}

/** A suite ends without an outcome: its tests have theirs. */
function endOf({ name, details, skip }: EventData.TestComplete): TestNews {
  if (details.type === "suite") return { type: "ended", name };
  if (skip !== undefined) return { type: "ended", name, outcome: "skipped" };
  return { type: "ended", name, outcome: details.passed ? "passed" : "failed" };
}

function tell(news: TestNews): void {
  process.send?.(news);
}
