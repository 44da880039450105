import type { ArgumentStyle, JsonType, TaggedStyle } from "./format.ts";
import { python } from "./notations.ts";

/** Arguments of a probe, as a template writes them. */
export interface WrittenArguments {
  readonly style: ArgumentStyle;
  /** Where they begin and end. */
  readonly from: number;
  readonly to: number;
}

export const keys = ["qzkeya", "qzkeyb"] as const;
export const values = ["qzvala", "qzvalb"] as const;
export const probeArguments = { [keys[0]]: values[0], [keys[1]]: values[1] };

/** Finds the probe's two arguments behind a call's name. */
export function readArguments(written: string, nameEnd: number): WrittenArguments | undefined {
  return readJson(written, nameEnd) ?? readKeywords(written, nameEnd) ?? readTags(written, nameEnd);
}

function readJson(written: string, nameEnd: number): WrittenArguments | undefined {
  for (let from = written.indexOf("{", nameEnd); from >= 0; from = written.indexOf("{", from + 1)) {
    const to = jsonEnd(written, from);
    if (to !== undefined && isProbe(written.slice(from, to))) return { style: { type: "json" }, from, to };
  }
  return undefined;
}

function isProbe(json: string): boolean {
  try {
    return JSON.stringify(JSON.parse(json)) === JSON.stringify(probeArguments);
  } catch {
    return false;
  }
}

/** Index behind the object that opens at `open`; the probe's words hold no brackets and no quotes. */
function jsonEnd(written: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < written.length; at++) {
    if (written[at] === "{") depth++;
    if (written[at] === "}" && --depth === 0) return at + 1;
  }
  return undefined;
}

const KEYWORDS = new RegExp(String.raw`^\((${keys[0]}=(['"])${values[0]}\2, ${keys[1]}=\2${values[1]}\2)\)`);

function readKeywords(written: string, nameEnd: number): WrittenArguments | undefined {
  const found = KEYWORDS.exec(written.slice(nameEnd))?.[1];
  return found === undefined
    ? undefined
    : { style: python, from: nameEnd + 1, to: nameEnd + 1 + found.length };
}

function readTags(written: string, nameEnd: number): WrittenArguments | undefined {
  const places = [keys[0], values[0], keys[1], values[1]].map((word) => written.indexOf(word, nameEnd));
  const [keyA = -1, valueA = -1, keyB = -1, valueB = -1] = places;
  if (keyA < 0 || valueA < keyA || keyB < valueA || valueB < keyB) return undefined;
  const head = written.slice(nameEnd, keyA);
  const middle = written.slice(keyA + keys[0].length, valueA);
  const gap = written.slice(valueA + values[0].length, keyB);
  const tail = written.slice(valueB + values[1].length);
  const opened = gap.lastIndexOf("<");
  if (opened <= 0 || middle === "") return undefined;
  const open = gap.slice(opened);
  const close = [gap.slice(0, opened), gap.slice(0, opened).trimEnd()].find((one) => tail.startsWith(one));
  if (!head.endsWith(open) || close === undefined || close.trim() === "") return undefined;
  const style: TaggedStyle = {
    type: "tagged",
    argument: [
      { type: "text", text: open },
      { type: "key" },
      { type: "text", text: middle },
      { type: "value" },
      { type: "text", text: close },
    ],
  };
  return { style, from: keyA - open.length, to: valueB + values[1].length + close.length };
}

/** Values of each type, and how they begin where they are written. */
const samples: ReadonlyArray<readonly [JsonType, unknown, RegExp]> = [
  ["number", 7, /^7/],
  ["boolean", true, /^[tT]rue/],
  ["null", null, /^(?:null|None)/],
  ["array", [7], /^\[7\]/],
  ["object", { [keys[1]]: 7 }, /^\{/],
];

/**
 * What tells the types of values apart in a style of tags: `write` renders a call whose first argument is a value, and
 * gives undefined where the template refuses it.
 */
export function learnValues(style: TaggedStyle, write: (value: unknown) => string | undefined): TaggedStyle {
  const [, , middle] = style.argument;
  if (middle?.type !== "text") return style;
  const kinds = new Map<JsonType, string>();
  let ends: readonly [string, string] | undefined;
  let isPython = false;
  for (const [type, value, begins] of samples) {
    const written = write(value) ?? "";
    const behind = written.slice(written.indexOf(keys[0]) + keys[0].length);
    if (behind.startsWith(middle.text)) {
      isPython ||= behind.slice(middle.text.length).startsWith("True");
      continue;
    }
    let same = 0;
    while (same < middle.text.length && behind[same] === middle.text[same]) same++;
    const own = /^\w+/.exec(middle.text.slice(same))?.[0] ?? "";
    const other = /^\w+/.exec(behind.slice(same))?.[0] ?? "";
    const after = middle.text.slice(same + own.length);
    const rest = behind.slice(same + other.length);
    if (own === "" || !rest.startsWith(after) || !begins.test(rest.slice(after.length))) continue;
    ends = [middle.text.slice(0, same), after];
    kinds.set("string", own).set(type, other);
  }
  if (ends === undefined) return isPython ? { ...style, isPython } : style;
  const fallback = [...kinds.values()].at(-1) ?? "";
  const kind = (type: JsonType) => kinds.get(type) ?? fallback;
  return {
    ...style,
    argument: style.argument.flatMap((piece) =>
      piece === middle
        ? [{ type: "text", text: ends[0] }, { type: "kind" }, { type: "text", text: ends[1] }]
        : [piece],
    ),
    kinds: {
      string: kind("string"),
      number: kind("number"),
      boolean: kind("boolean"),
      null: kind("null"),
      array: kind("array"),
      object: kind("object"),
    },
  };
}
