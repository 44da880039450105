import type { ChatMessage, Tool } from "../template/message.ts";
import type { AnswerFormat, ArgumentStyle, CallFormat, CallPiece, ThoughtFormat } from "./format.ts";
import { keys, learnValues, probeArguments, readArguments, values } from "./learned-arguments.ts";

/** A conversation as the template renders it, with the opening of the next answer or without; undefined where it refuses. */
export type ProbeRender = (
  messages: readonly ChatMessage[],
  tools: readonly Tool[],
  isAnswerOpen?: boolean,
) => string | undefined;

/*
 * A template shows how its model writes: rendering known words and looking at what stands around them. The words are
 * such as no template writes by itself.
 */
const text = "Qzanswer";
const thought = "Qzthought";
const names = ["qznameone", "qznametwo"] as const;
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
  const learned = learnThoughts(render) ?? known.thoughts;
  const isKnown = learned?.open === known.thoughts?.open && learned?.close === known.thoughts?.close;
  // What is known of them is more than a template shows.
  const thoughts = isKnown ? known.thoughts : learned;
  return { thoughts, calls: learnCalls(render, known) ?? known.calls, ...learnTexts(render, thoughts) };
}

/** What surrounds a text that the opening of an answer does not have already, and what comes between two blocks. */
function learnTexts(
  render: ProbeRender,
  thoughts: ThoughtFormat | undefined,
): Pick<AnswerFormat, "texts" | "turn"> {
  const spoken = render([user, { role: "assistant", content: text }], []);
  const asked = render([user], [], true);
  if (spoken === undefined || asked === undefined) return {};
  const at = spoken.lastIndexOf(text);
  const header = spoken.slice(Math.min(commonStart(spoken, asked), at), at);
  const open = OPENING.exec(header)?.[0];
  const close = CLOSING.exec(spoken.slice(at + text.length))?.[1];
  if (open === undefined || close === undefined || open !== header.trim()) return {};
  // What every answer's prompt ends in is not the text's own.
  if (asked.trimEnd().endsWith(open)) return {};
  if (thoughts !== undefined && (open.includes(thoughts.close) || open.includes(thoughts.open))) return {};
  const thinking = render([user, { role: "assistant", content: text, reasoning: thought }], []);
  const from = thinking?.indexOf(thought) ?? -1;
  const gap = from < 0 ? "" : (thinking?.slice(from + thought.length, thinking.indexOf(text, from)) ?? "");
  const turn = gap.trim().slice(thoughts?.close.trim().length, gap.trim().length - open.length);
  return { texts: { open, close }, ...(turn !== "" && { turn }) };
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
  // What comes before every answer opens no thoughts.
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
  const says = (content: string, ...toolCalls: ReturnType<typeof call>[]) =>
    render([user, { role: "assistant", content, ...(toolCalls.length > 0 && { toolCalls }) }], tools);
  const spoken = says(text);
  const one = says("", call(0, probeArguments));
  if (spoken === undefined || one === undefined) return undefined;
  const read = readCall(between(one, spoken), 0);
  if (read === undefined) return undefined;
  const twice = says("", call(0, probeArguments), call(1, probeArguments));
  const joined = twice === undefined ? undefined : readJoin(between(twice, spoken), read);
  const style =
    read.style.type === "tagged"
      ? learnValues(read.style, (value) =>
          says("", call(0, { [keys[0]]: value }))
            ?.split(user.content)
            .at(-1),
        )
      : read.style;
  return assemble(read, joined, style, known);
}

interface WrittenCall {
  /** Up to the name, between name and arguments, and behind them; ids are left in. */
  readonly before: string;
  readonly middle: string;
  readonly after: string;
  readonly style: ArgumentStyle;
  /** Where the arguments end. */
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

/** What ends a turn is a token of its own, which is not part of the answer's text. */
const END =
  /<\|(?:eom_id|eot_id|im_end|end|call|calls|eot|eom|end_of_text|end_of_turn|END_OF_TURN_TOKEN|message_sep)\|>[\s\S]*$|<｜hy_eos:\w+｜>[\s\S]*$|<SPECIAL_12>[\s\S]*$|<(?:end_of_turn|turn\||eos)>[\s\S]*$|<\/s>[\s\S]*$|<｜end▁of▁sentence｜>[\s\S]*$/;

function withoutEnd(written: string): string {
  const at = written.lastIndexOf(values[1]);
  return written.slice(0, at) + written.slice(at).replace(END, "");
}

function readCall(written: string, index: 0 | 1, since = 0): WrittenCall | undefined {
  const from = written.indexOf(names[index], since);
  if (from < 0) return undefined;
  const nameEnd = from + names[index].length;
  const read = readArguments(written, nameEnd);
  if (read === undefined) return undefined;
  return {
    before: written.slice(since, from),
    middle: written.slice(nameEnd, read.from),
    after: written.slice(read.to),
    style: read.style,
    to: read.to,
  };
}

interface Join {
  /** What closes a call, what separates two, and what opens one. */
  readonly close: string;
  readonly between: string;
  readonly open: string;
}

function readJoin(written: string, first: WrittenCall): Join | undefined {
  const again = readCall(written, 0);
  const next = again === undefined ? undefined : readCall(written, 1, again.to);
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
    ...pieces(
      withIds(middle)
        .replace(/^:0(?=<)/, `:${ID}`)
        .replace(/(index=")1"/, `$1${ID}"`),
    ),
    { type: "arguments", style },
    ...pieces(rest.slice(0, rest.length - close.length)),
  ];
  const format: CallFormat = {
    open: open.trimStart(),
    close: close.trimEnd(),
    between: join && join.between + (open === "" ? leadingSpace(call) : ""),
    call: trimmed(call, open === ""),
    mayFollowText: true,
    idLength: known.calls.idLength,
  };
  const first = (format.open + (format.call[0]?.type === "text" ? format.call[0].text : "")).trim();
  if (first === "") return undefined;
  // A bracket alone may begin any text.
  return { ...format, mayFollowText: !/^[{[]["{]?/.test(first) || /^\[[A-Z_]+\]/.test(first) };
}

/** White space that opens each call: before the first it is layout. */
function leadingSpace([first]: readonly CallPiece[]): string {
  return first?.type === "text" ? first.text.slice(0, first.text.length - first.text.trimStart().length) : "";
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
