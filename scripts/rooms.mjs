/**
 * Counts the rooms of `src` (its folders, and the files that stand beside them), the floors that they stand on, and the
 * arrows between them. Fails when there are more rooms than a newcomer can keep in mind, or an arrow points upwards.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { layers } from "../.dependency-cruiser.mjs";

/** As many as docs/architecture.md can say a line of each on one screen. */
const MAX_ROOMS = 20;

const roomOf = (path) => (path.split("/")[1] ?? "").replace(/\.ts$/, "");

/** @type {Map<string, Set<string>>} Rooms, each with those that its files import. */
const imports = new Map();
for (const file of globSync("src/**/*.ts")) {
  const room = roomOf(file);
  const others = imports.get(room) ?? new Set();
  imports.set(room, others);
  for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from|import\(?) ?"(\.[^"]+)"/g)) {
    const other = roomOf(join(dirname(file), path ?? ""));
    if (other !== room && !join(dirname(file), path ?? "").startsWith("..")) others.add(other);
  }
}

/** @type {(room: string) => number} A room is one floor above the highest that it imports; there are no cycles. */
const floorOf = (room) => 1 + Math.max(0, ...[...(imports.get(room) ?? [])].map(floorOf));

const upward = [...imports].flatMap(([room, others]) =>
  [...others]
    .filter((other) => layers.indexOf(other) > layers.indexOf(room))
    .map((other) => `${room} → ${other}`),
);
const unknown = [...imports.keys()].filter((room) => !layers.includes(room));
const arrows = [...imports.values()].reduce((sum, { size }) => sum + size, 0);
const floors = upward.length > 0 ? "?" : Math.max(...[...imports.keys()].map(floorOf));
console.log(`${imports.size} rooms, ${floors} floors, ${arrows} arrows, ${upward.length} upwards`);
for (const arrow of upward) console.log(`  ${arrow}`);
for (const room of unknown) console.log(`  ${room} is not in the list of layers`);
if (imports.size > MAX_ROOMS || upward.length > 0 || unknown.length > 0) process.exitCode = 1;
