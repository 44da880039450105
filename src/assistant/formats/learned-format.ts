import type { ChatMessage, Tool } from "../template/message.ts";
import type { AnswerFormat, ArgumentStyle, CallFormat, CallPiece, ThoughtFormat } from "./format.ts";

/** A conversation as the template renders it, without the opening of the next answer; undefined where it refuses. */
export type ProbeRender = (messages: readonly ChatMessage[], tools: readonly Tool[]) => string | undefined;

/*
 * A template shows how its model writes: rendering known words and looking at what stands around them. The words are
 * such as no template writes by itself.
 */
const text = "Qzanswer";
const thought = "Qzthought";
const names = ["qznameone", "qznametwo"] as const;
const keys = ["qzkeya", "qzkeyb"] as const;
const values = ["qzvala", "qzvalb"] as const;
const ids = ["qzidaaaaa", "qzidbbbbb"] as const;

const user: ChatMessage = { role: "user", content: "Qzquestion" };
const tools: readonly Tool[] = names.map((name) => ({
  name,
  description: "Qztool.",
  parameters: {
    type: "object",
    properties: Object.fromEntries(keys.map((key) => [key, { type: "string", description: "Qzproperty." }])),
  },
}));

/** What the template shows; where it shows nothing, what `known` says. */
export function learnFormat(render: ProbeRender, known: AnswerFormat): AnswerFormat {
  return {
    thoughts: learnThoughts(render) ?? known.thoughts,
    calls: learnCalls(render, known) ?? known.calls,
  };
}

const MARKER = String.raw`(?:<[^<>\s]+>|\[/?[A-Z_]+\])`;
const OPENING = new RegExp(String.raw`${MARKER}(?:\w+(?:${MARKER})?)?(?=\s*$)`);
const CLOSING = new RegExp(String.raw`^\s*(${MARKER}(?:\w+${MARKER})?)`);

function learnThoughts(render: ProbeRender): ThoughtFormat | undefined {
  const rendered = render([user, { role: "assistant", content: text, reasoning: thought }], []);
  if (rendered === undefined) return undefined;
  const at = rendered.indexOf(thought);
  const end = rendered.indexOf(text, at);
  if (at < 0 || end < 0) return undefined;
  const open = OPENING.exec(rendered.slice(0, at))?.[0];
  const close = CLOSING.exec(rendered.slice(at + thought.length, end))?.[1];
  if (open === undefined || close === undefined) return undefined;
  const spoken = render([user, { role: "assistant", content: text }], []) ?? "";
  const header = spoken.slice(0, spoken.lastIndexOf(text)).trimEnd();
  // What stands before every answer opens no thoughts.
  if (header.endsWith(open)) return undefined;
  const own = rendered.slice(commonStart(rendered, spoken), at).trim();
  return { open: own !== "" && open.endsWith(own) ? own : open, close };
}

function learnCalls(render: ProbeRender, known: AnswerFormat): CallFormat | undefined {
  const call = (index: 0 | 1, args: object) => ({
    id: ids[index],
    name: names[index],
    arguments: JSON.stringify(args),
  });
  const both = { [keys[0]]: values[0], [keys[1]]: values[1] };
  const says = (content: string, ...toolCalls: ReturnType<typeof call>[]) =>
    render([user, { role: "assistant", content, ...(toolCalls.length > 0 && { toolCalls }) }], tools);
  const spoken = says(text);
  const one = says("", call(0, both));
  if (spoken === undefined || one === undefined) return undefined;
  const written = between(one, spoken);
  const read = readCall(written, 0, both);
  if (read === undefined) return undefined;
  const twice = says("", call(0, both), call(1, both));
  const second = twice === undefined ? undefined : between(twice, spoken);
  const joined = second === undefined ? undefined : readJoin(second, read, both);
  const style = read.isJson ? ({ type: "json" } as const) : undefined;
  if (style === undefined) return undefined;
  return assemble(read, joined, style, known);
}

interface WrittenCall {
  /** Up to the name, between name and arguments, and behind them; ids are left in. */
  readonly before: string;
  readonly middle: string;
  readonly after: string;
  readonly isJson: boolean;
  /** Where the name begins and the arguments end. */
  readonly from: number;
  readonly to: number;
}

/** The part of a rendered call turn that is not in a turn of text: without the turn's header and its end. */
function between(called: string, spoken: string): string {
  const at = spoken.lastIndexOf(text);
  const tail = spoken.slice(at + text.length);
  const start = Math.min(at, commonStart(called, spoken));
  let length = 0;
  while (
    length < tail.length &&
    length < called.length - start &&
    called.at(-1 - length) === tail.at(-1 - length)
  )
    length++;
  const written = called.slice(start, called.length - length);
  // Not within a marker that both end in.
  const more = isWithinMarker(written) ? called.indexOf(">", start + written.length) + 1 : 0;
  return withoutEnd(more > 0 ? called.slice(start, more) : written).replace(EMPTY_THOUGHT, "");
}

/** A thought that a template writes where there was none. */
const EMPTY_THOUGHT = /^\s*(?:<think>\s*<\/think>|<\|START_THINKING\|><\|END_THINKING\|>|<\/think>)\s*/;

/** Length of the beginning that two renders share, up to the marker that they part in. */
function commonStart(a: string, b: string): number {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const opened = Math.max(a.lastIndexOf("<", start - 1), a.lastIndexOf("[", start - 1));
  return opened >= 0 && !/[>\]\s]/.test(a.slice(opened, start)) ? opened : start;
}

function isWithinMarker(written: string): boolean {
  return written.lastIndexOf("<") > written.lastIndexOf(">");
}

/** What ends a turn is a token of its own, which is no text of the answer. */
const END =
  /<\|(?:eom_id|eot_id|im_end|end|call|calls|eot|eom|end_of_text|end_of_turn|END_OF_TURN_TOKEN|message_sep)\|>[\s\S]*$|<(?:end_of_turn|turn\||eos)>[\s\S]*$|<\/s>[\s\S]*$|<｜end▁of▁sentence｜>[\s\S]*$/;

function withoutEnd(written: string): string {
  const at = written.lastIndexOf(values[1]);
  return written.slice(0, at) + written.slice(at).replace(END, "");
}

function readCall(written: string, index: 0 | 1, args: object, since = 0): WrittenCall | undefined {
  const from = written.indexOf(names[index], since);
  if (from < 0) return undefined;
  const nameEnd = from + names[index].length;
  for (let open = written.indexOf("{", nameEnd); open >= 0; open = written.indexOf("{", open + 1)) {
    const to = jsonEnd(written, open);
    if (to === undefined || !isSame(written.slice(open, to), args)) continue;
    return {
      before: written.slice(since, from),
      middle: written.slice(nameEnd, open),
      after: written.slice(to),
      isJson: true,
      from,
      to,
    };
  }
  return undefined;
}

function isSame(json: string, args: object): boolean {
  try {
    return JSON.stringify(JSON.parse(json)) === JSON.stringify(args);
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

interface Join {
  /** What closes a call, what separates two, and what opens one. */
  readonly close: string;
  readonly between: string;
  readonly open: string;
}

function readJoin(written: string, first: WrittenCall, args: object): Join | undefined {
  const again = readCall(written, 0, args);
  const next = again === undefined ? undefined : readCall(written, 1, args, again.to);
  if (next === undefined) return undefined;
  const gap = withIds(next.before);
  const [before, after] = [withIds(first.before), withIds(first.after)];
  let open = 0;
  while (open < gap.length && open < before.length && gap.at(-1 - open) === before.at(-1 - open)) open++;
  // Only whole markers: what closes one call may end as what opens all of them does.
  const shared = gap.slice(gap.length - open);
  const bracket = shared.indexOf(">");
  if (bracket >= 0 && isWithinMarker(gap.slice(0, gap.length - open))) open -= bracket + 1;
  let close = 0;
  while (close < gap.length - open && close < after.length && gap[close] === after[close]) close++;
  if (isWithinMarker(gap.slice(0, close))) close = gap.lastIndexOf("<", close - 1);
  return {
    close: gap.slice(0, close),
    between: gap.slice(close, gap.length - open),
    open: gap.slice(gap.length - open),
  };
}

/** Stands for a call's id in what was rendered. */
const ID = "\u{e000}";

function withIds(written: string): string {
  return ids
    .reduce((all, id) => all.replaceAll(id, ID), written)
    .replace(/("tool_call_id": ")\d"/g, `$1${ID}"`);
}

function assemble(
  { before, middle, after }: WrittenCall,
  join: Join | undefined,
  style: ArgumentStyle,
  known: AnswerFormat,
): CallFormat | undefined {
  const [whole, rest] = [withIds(before), withIds(after)];
  const open = join === undefined ? "" : whole.slice(0, whole.length - join.open.length);
  const close = join === undefined ? "" : rest.slice(join.close.length);
  const call: CallPiece[] = [
    ...pieces(whole.slice(open.length)),
    { type: "name" },
    // Kimi numbers its calls.
    ...pieces(withIds(middle).replace(/^:0(?=<)/, `:${ID}`)),
    { type: "arguments", style },
    ...pieces(rest.slice(0, rest.length - close.length)),
  ];
  const format: CallFormat = {
    open: open.trimStart(),
    close: close.trimEnd(),
    between: join?.between,
    call: trimmed(call, open === ""),
    mayFollowText: true,
    idLength: known.calls.idLength,
  };
  const first = (format.open + (format.call[0]?.type === "text" ? format.call[0].text : "")).trim();
  if (first === "") return undefined;
  // A bracket alone may begin any text.
  return { ...format, mayFollowText: !/^[{[]["{]?/.test(first) || /^\[[A-Z_]+\]/.test(first) };
}

function trimmed(call: readonly CallPiece[], isFirst: boolean): CallPiece[] {
  const [first, ...rest] = call;
  if (!isFirst || first?.type !== "text") return [...call];
  const begun = first.text.trimStart();
  return begun === "" ? rest : [{ type: "text", text: begun }, ...rest];
}

function pieces(written: string): CallPiece[] {
  return written
    .split(/(\u{e000})/u)
    .filter((part) => part !== "")
    .map((part) => (part === ID ? { type: "id" } : { type: "text", text: part }));
}
