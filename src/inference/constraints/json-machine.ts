import { LRUCache } from "lru-cache";
import { ArrayFrame } from "./array-frame.ts";
import { AutomatonRunner } from "./automaton.ts";
import { type JsonContext, JsonFrame, type KeyLexer } from "./json-frame.ts";
import type { JsonProgram, Shape, StringShape } from "./json-program.ts";
import { NumberRule } from "./number-rule.ts";
import type { KeyChoices } from "./object-entry.ts";
import { ObjectFrame } from "./object-frame.ts";
import { LiteralFrame, NumberFrame } from "./scalar-frames.ts";
import { StringFrame } from "./string-frame.ts";
import type { TextForm } from "./text-form.ts";
import { freeLexer, TextLexer } from "./text-lexer.ts";

/** What reads the keys of an object in one of its places, and shapes of nodes that are possible together. Many keys that may be left out are as many places. */
const MAX_KEPT = 1000;
/** Frames kept to be met again. Past them all are forgotten; those in use live on. */
const MAX_FRAMES = 50_000;

/** Before and behind a whole value. */
class RootFrame extends JsonFrame {
  readonly #node: number | undefined;

  /** `node` is left out behind the value. */
  constructor(context: JsonContext, node?: number) {
    super(context, undefined);
    this.#node = node;
  }

  override get isComplete(): boolean {
    return this.#node === undefined;
  }

  override get isFinal(): boolean {
    return this.#node === undefined;
  }

  protected derive(byte: number): JsonFrame | null {
    return this.#node === undefined ? null : this.context.begin(this, [this.#node], byte);
  }

  received(): JsonFrame {
    return this.context.intern("end", () => new RootFrame(this.context));
  }
}

/** Makes the frames of one program. */
export class JsonMachine implements JsonContext {
  readonly program: JsonProgram;
  /** A frame asks with the same list at each byte: its key is not made anew. */
  readonly #shapesByNodes = new WeakMap<readonly number[], ReadonlyMap<Shape["type"], readonly number[]>>();
  readonly #shapesByType = new LRUCache<string, ReadonlyMap<Shape["type"], readonly number[]>>({
    max: MAX_KEPT,
  });
  readonly #frames = new Map<string, JsonFrame>();
  readonly #automata = new Map<number, AutomatonRunner>();
  readonly #numberRules = new Map<number, NumberRule>();
  readonly #lexers = new Map<string, TextLexer>();
  readonly #keyLexers = new LRUCache<string, KeyLexer>({ max: MAX_KEPT });

  constructor(program: JsonProgram) {
    this.program = program;
  }

  /** Frames, and places in strings, that are kept. */
  get size(): number {
    let size = this.#frames.size;
    for (const lexer of this.#lexers.values()) if (lexer !== freeLexer) size += lexer.size;
    for (const { lexer } of this.#keyLexers.values()) size += lexer.size;
    return size;
  }

  /** The frame before a value of a node. */
  start(node: number): JsonFrame {
    return this.intern(`r${node}`, () => new RootFrame(this, node));
  }

  shape(index: number): Shape {
    return this.program.shapes[index] as Shape;
  }

  automaton(index: number): AutomatonRunner {
    let runner = this.#automata.get(index);
    if (runner === undefined) {
      const automaton = this.program.automata[index];
      if (automaton === undefined) throw new Error(`there is no automaton ${index}`);
      runner = new AutomatonRunner(automaton);
      this.#automata.set(index, runner);
    }
    return runner;
  }

  lexer(shapes: readonly number[]): TextLexer {
    const key = shapes.join();
    let lexer = this.#lexers.get(key);
    if (lexer === undefined) {
      const forms = shapes.map((shape) => this.#textForm(this.shape(shape) as StringShape));
      const [first] = forms;
      const isFree = first !== undefined && forms.length === 1 && isAnyText(first);
      lexer = isFree ? freeLexer : new TextLexer(forms, this.program.isForWriting);
      this.#lexers.set(key, lexer);
    }
    return lexer;
  }

  #textForm({ minLength, maxLength, automaton, texts }: StringShape): TextForm {
    return {
      minLength,
      maxLength,
      automaton: automaton === undefined ? undefined : this.automaton(automaton),
      texts,
    };
  }

  keyLexer(key: string, choicesOf: () => KeyChoices): KeyLexer {
    let keys = this.#keyLexers.get(key);
    if (keys === undefined) {
      const choices = choicesOf();
      keys = { choices, lexer: new TextLexer(this.#keyForms(choices), this.program.isForWriting) };
      this.#keyLexers.set(key, keys);
    }
    return keys;
  }

  /** The first is that of the names, where there are any; one of each of the other properties follows. */
  #keyForms({ texts, wanted, others }: KeyChoices): readonly TextForm[] {
    const isWanted = wanted && ((index: number) => wanted.has(texts[index] ?? ""));
    return [
      ...(texts.length > 0 ? [{ minLength: 0, texts, ...(isWanted && { isWanted }) }] : []),
      ...others.map(({ automaton }) => ({
        minLength: 0,
        automaton: automaton === undefined ? undefined : this.automaton(automaton),
      })),
    ];
  }

  numberRule(shape: number): NumberRule {
    let rule = this.#numberRules.get(shape);
    if (rule === undefined) {
      const found = this.shape(shape);
      if (found.type !== "number") throw new Error(`shape ${shape} is a ${found.type}`);
      rule = new NumberRule(found, this.program.isForWriting);
      this.#numberRules.set(shape, rule);
    }
    return rule;
  }

  intern<F extends JsonFrame>(key: string, make: () => F): F {
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      if (this.#frames.size >= MAX_FRAMES) this.#frames.clear();
      frame = make();
      this.#frames.set(key, frame);
    }
    return frame as F;
  }

  begin(parent: JsonFrame, nodes: readonly number[], byte: number): JsonFrame | null {
    if (!beginnings.has(byte)) return null;
    const shapes = this.#shapesOf(nodes);
    const of = (type: Shape["type"]) => shapes.get(type) ?? [];
    switch (byte) {
      case 0x7b:
        return ObjectFrame.begin(this, parent, of("object"));
      case 0x5b:
        return ArrayFrame.begin(this, parent, of("array"));
      case 0x22:
        return StringFrame.value(this, parent, of("string"));
      case 0x6e:
        return literal(this, parent, "ull", of("null"));
      case 0x74:
        return literal(this, parent, "rue", this.#booleans(of("boolean"), true));
      case 0x66:
        return literal(this, parent, "alse", this.#booleans(of("boolean"), false));
      default:
        return NumberFrame.begin(this, parent, of("number"), byte);
    }
  }

  #shapesOf(nodes: readonly number[]): ReadonlyMap<Shape["type"], readonly number[]> {
    const known = this.#shapesByNodes.get(nodes);
    if (known !== undefined) return known;
    const shapes = this.#shapesFor(nodes);
    this.#shapesByNodes.set(nodes, shapes);
    return shapes;
  }

  #shapesFor(nodes: readonly number[]): ReadonlyMap<Shape["type"], readonly number[]> {
    const key = nodes.join();
    let shapes = this.#shapesByType.get(key);
    if (shapes === undefined) {
      const all = new Set(nodes.flatMap((node) => this.program.nodes[node] ?? []));
      shapes = Map.groupBy(all, (shape) => this.shape(shape).type);
      this.#shapesByType.set(key, shapes);
    }
    return shapes;
  }

  #booleans(shapes: readonly number[], wanted: boolean): readonly number[] {
    return shapes.filter((index) => {
      const shape = this.shape(index);
      return shape.type === "boolean" && shape.value === wanted;
    });
  }
}

/** Bytes that a value begins with. */
const beginnings: ReadonlySet<number> = new Set(Buffer.from('{["ntf-0123456789'));

function isAnyText({ minLength, maxLength, automaton, texts }: TextForm): boolean {
  return minLength === 0 && maxLength === undefined && automaton === undefined && texts === undefined;
}

function literal(
  context: JsonContext,
  parent: JsonFrame,
  rest: string,
  shapes: readonly number[],
): JsonFrame | null {
  return shapes.length === 0 ? null : LiteralFrame.at(context, parent, rest, shapes);
}
