import type { Callable, Value } from "./values.ts";

/** What `loop` is in the turn of a loop over `list` that takes the item at `index`. */
export function loopFacts(list: readonly Value[], index: number): Map<Value, Value> {
  const { length } = list;
  const cycle: Callable = (args) => args[index % args.length];
  return new Map<Value, Value>([
    ["index", index + 1],
    ["index0", index],
    ["revindex", length - index],
    ["revindex0", length - index - 1],
    ["first", index === 0],
    ["last", index === length - 1],
    ["length", length],
    ["previtem", list[index - 1]],
    ["nextitem", list[index + 1]],
    ["cycle", cycle],
  ]);
}
