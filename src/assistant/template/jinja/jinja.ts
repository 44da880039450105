import { parse, tokenize } from "@huggingface/jinja";
import { Budget } from "./budget.ts";
import { Interpreter } from "./interpreter.ts";
import type { Program } from "./nodes.ts";
import { Scope } from "./scope.ts";
import { formatTime } from "./strftime.ts";
import {
  type Callable,
  fromJson,
  items,
  Namespace,
  TemplateError,
  toNumber,
  toText,
  type Value,
} from "./values.ts";

/**
 * Far more than any conversation takes: 68 published templates need under 100 steps per message. Steps grow with what
 * there is to print, up to about a second. An endless template that is tried with a short conversation therefore holds
 * this thread up for milliseconds only.
 */
const STEPS = { least: 50_000, perValue: 2_000, most: 5_000_000 };
const MAX_CHARACTERS = 64 * 2 ** 20;

/**
 * A chat template. @huggingface/jinja parses it; running it is ours, since templates use more of Jinja2 and of Python
 * than that library's interpreter has.
 */
export class Jinja {
  readonly #program: Program;

  /** @throws Error for what is not Jinja */
  constructor(source: string) {
    this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })) as unknown as Program;
  }

  /** `variables` are JSON. @throws TemplateError with the template's own words where it refuses them */
  render(variables: Readonly<Record<string, unknown>>, now: Date): string {
    const names = Object.entries(variables).map(([name, value]) => [name, fromJson(value)] as const);
    const scope = new Scope(names, new Scope([...constants, ...functions(now)]));
    const steps = Math.min(STEPS.most, STEPS.least + STEPS.perValue * countValues(variables));
    return new Interpreter(new Budget({ steps, characters: MAX_CHARACTERS })).run(this.#program, scope);
  }
}

/** Values within a value, itself included. */
function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + countValues(inner), 1);
}

const constants: ReadonlyArray<readonly [string, Value]> = [
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
];

function functions(now: Date): ReadonlyArray<readonly [string, Callable]> {
  return [
    ["raise_exception", ([message]) => refuse(toText(message))],
    ["namespace", ([dict], named) => new Namespace([...(dict instanceof Map ? dict : []), ...named])],
    ["dict", ([dict], named) => new Map<Value, Value>([...(dict instanceof Map ? dict : []), ...named])],
    ["list", ([list]) => [...items(list)]],
    ["range", (args) => range(args.map(toNumber))],
    ["strftime_now", ([format]) => formatTime(now, toText(format))],
  ];
}

function refuse(message: string): never {
  throw new TemplateError(message);
}

/** Longest list that `range` makes. */
const MAX_RANGE = 100_000;

function range(bounds: readonly number[]): number[] {
  const [first = 0, second, step = 1] = bounds;
  const [from, to] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (length > MAX_RANGE) throw new TemplateError("the range is too long");
  return Array.from({ length }, (_, index) => from + index * step);
}
