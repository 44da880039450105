/** Characters at the start of a cell that make a spreadsheet run it as a formula (OWASP, "CSV Injection"), full-width forms included. */
const FORMULA_START = /^[=+\-@\t\r\n＝＋－＠]/;

export type Cell = string | number | boolean | null | undefined;

/**
 * One line of CSV (RFC 4180). Text that a spreadsheet would take for a formula gets an apostrophe in front, which
 * spreadsheets read as "this is text"; numbers are written as they are.
 */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell !== "string") return String(cell);
  const safe = FORMULA_START.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
