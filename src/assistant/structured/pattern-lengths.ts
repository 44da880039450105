import type { PatternNode } from "./pattern-syntax.ts";

/** Shortest and longest text that a tree matches; no longest when it is undefined. */
export function lengths(node: PatternNode): { readonly min: number; readonly max: number | undefined } {
  switch (node.type) {
    case "class":
      return { min: 1, max: 1 };
    case "sequence":
      return node.items.map(lengths).reduce(
        (sum, item) => ({
          min: sum.min + item.min,
          max: sum.max === undefined || item.max === undefined ? undefined : sum.max + item.max,
        }),
        { min: 0, max: 0 as number | undefined },
      );
    case "alternatives": {
      const all = node.items.map(lengths);
      const max = all.some((item) => item.max === undefined)
        ? undefined
        : Math.max(...all.map((item) => item.max ?? 0));
      return { min: Math.min(...all.map((item) => item.min)), max };
    }
    case "repeat": {
      const item = lengths(node.item);
      const max = node.max === undefined || item.max === undefined ? undefined : node.max * item.max;
      return { min: node.min * item.min, max };
    }
  }
}
