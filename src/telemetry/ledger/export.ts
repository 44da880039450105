import { csvLine } from "../../platform/csv.ts";
import { latencyPartNames } from "../latency-parts.ts";
import type { Ledger } from "./ledger.ts";
import type { Condition } from "./query.ts";
import type { LedgerRow } from "./row.ts";
import { describeRequest, RecordedRequest } from "./schema.ts";

/** Rows that are read at a time. */
const PAGE_ROWS = 500;

const fields = Object.keys(RecordedRequest.properties) as Array<keyof RecordedRequest>;

/** Every row that meets the conditions, the latest first, as the lines of a file; parts are columns of CSV. */
export async function* exportLines(
  ledger: Ledger,
  conditions: readonly Condition[],
  format: "jsonl" | "csv",
): AsyncIterable<string> {
  if (format === "csv") yield csvLine([...fields, ...latencyPartNames.map((part) => `${part}_ms`)]);
  for await (const row of rows(ledger, conditions)) {
    const described = describeRequest(row, format === "jsonl" ? "whole" : "listed");
    yield format === "jsonl"
      ? `${JSON.stringify(described)}\n`
      : csvLine([
          ...fields.map((field) => described[field]),
          ...latencyPartNames.map((part) => row.parts[part] ?? 0),
        ]);
  }
}

async function* rows(ledger: Ledger, conditions: readonly Condition[]): AsyncIterable<LedgerRow> {
  let before: string | undefined;
  do {
    const page = await ledger.list(conditions, before, PAGE_ROWS);
    yield* page.rows;
    before = page.next;
  } while (before !== undefined);
}
