import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { csvLine } from "../../src/platform/csv.ts";

test("text that a spreadsheet would run as a formula becomes text", () => {
  for (const start of ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]) {
    const [[cell] = []] = parse(csvLine([`${start}HYPERLINK("x")`]), { trim: false }) as string[][];
    assert.equal(cell, `'${start}HYPERLINK("x")`);
  }
});

test("numbers and flags stay what they are", () => {
  assert.equal(csvLine([-1.5, 2, true, null, undefined, ""]), "-1.5,2,true,,,\r\n");
});

test("any text comes back from a CSV reader, with an apostrophe before what was a formula", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary", minLength: 1 }), { minLength: 2, maxLength: 6 }),
      (cells) => {
        const [row] = parse(csvLine(cells), {
          trim: false,
          skip_empty_lines: false,
          relax_quotes: false,
        }) as string[][];
        assert.equal(row?.length, cells.length);
        for (const [index, cell] of cells.entries())
          assert.ok(
            row?.[index] === cell || row?.[index] === `'${cell}`,
            JSON.stringify([cell, row?.[index]]),
          );
      },
    ),
  );
});
