import type { AutomatonRunner } from "./automaton.ts";
import type { JsonProgram, Shape } from "./json-program.ts";
import type { NumberRule } from "./number-rule.ts";
import type { KeyChoices } from "./object-entry.ts";
import { State } from "./state.ts";
import type { TextLexer } from "./text-lexer.ts";

/** The keys that may come next, and what reads them; none of both where none may. */
export interface KeyLexer {
  readonly choices: KeyChoices;
  readonly lexer: TextLexer;
}

/** A program with what frames share: its parts made ready, and the frames there are. */
export interface JsonContext {
  readonly program: JsonProgram;
  automaton(index: number): AutomatonRunner;
  numberRule(shape: number): NumberRule;
  shape(index: number): Shape;
  /** What reads strings of some shapes. */
  lexer(shapes: readonly number[]): TextLexer;
  /** What reads the keys of `choices`, which `key` stands for. */
  keyLexer(key: string, choices: () => KeyChoices): KeyLexer;
  /** The frame of a key, made once. */
  intern<F extends JsonFrame>(key: string, make: () => F): F;
  /** The frame behind the first byte of a value that one of `nodes` allows. */
  begin(parent: JsonFrame, nodes: readonly number[], byte: number): JsonFrame | null;
}

/**
 * A place in a JSON value: the innermost value that has begun, on top of those around it. JSON is never ambiguous, so
 * there is one frame whatever the number of shapes that are still possible; the frame has all of them.
 */
export abstract class JsonFrame extends State {
  readonly context: JsonContext;
  readonly parent: JsonFrame | undefined;
  /** Objects and arrays around it. */
  readonly depth: number;
  protected override readonly weight: number;

  /** `possibilities`: shapes, or what is left of them, that are told apart here. */
  constructor(context: JsonContext, parent: JsonFrame | undefined, possibilities = 1) {
    super();
    this.weight = 1 + (possibilities >> 1);
    this.context = context;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  get isComplete(): boolean {
    return false;
  }

  get hasBegun(): boolean {
    return this.parent !== undefined;
  }

  /** Whether there is no end of texts that what has begun may still become. */
  get isEndless(): boolean {
    return false;
  }

  /** Whether it may still become the name of a declared property, which come in order and so only once. */
  get isDeclaredKey(): boolean {
    return false;
  }

  /** Whether the innermost array must not have two equal items. */
  get wantsUnique(): boolean {
    return false;
  }

  /** Whether the value is over: nothing more can be part of it. */
  get isFinal(): boolean {
    return false;
  }

  /** The frame once a value has ended that had all of the shapes `matched`; null where none of them is wanted. */
  abstract received(matched: readonly number[]): JsonFrame | null;
}

/** Nodes that have one of `matched` among their shapes. */
export function matches({ program }: JsonContext, node: number, matched: ReadonlySet<number>): boolean {
  return program.nodes[node]?.some((shape) => matched.has(shape)) ?? false;
}

/** Blanks that indent at most one level. */
const INDENTATION = 4;

/**
 * White space as writers of JSON have it: one blank, or a line break and the next line's indentation. Counts what is
 * there: 0 for none, 1 for a blank, 2 and up for a line break. -1 where a byte is none or too much.
 */
export function readSpace(space: number, byte: number, depth: number): number {
  if (byte === 0x0a) return space === 0 ? 2 : -1;
  if (byte !== 0x20 && byte !== 0x09) return -1;
  if (space >= 2) return space < 2 + INDENTATION * depth ? space + 1 : -1;
  return space === 0 && byte === 0x20 ? 1 : -1;
}
