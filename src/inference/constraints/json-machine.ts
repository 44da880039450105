import { ArrayFrame } from "./array-frame.ts";
import { AutomatonRunner } from "./automaton.ts";
import { type JsonContext, JsonFrame } from "./json-frame.ts";
import type { JsonProgram, Shape } from "./json-program.ts";
import { NumberRule, readNumber } from "./number-text.ts";
import { ObjectFrame } from "./object-frame.ts";
import { LiteralFrame, NumberFrame } from "./scalar-frames.ts";
import { StringFrame } from "./string-frame.ts";

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
  readonly #frames = new Map<string, JsonFrame>();
  readonly #automata = new Map<number, AutomatonRunner>();
  readonly #numberRules = new Map<number, NumberRule>();

  constructor(program: JsonProgram) {
    this.program = program;
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

  numberRule(shape: number): NumberRule {
    let rule = this.#numberRules.get(shape);
    if (rule === undefined) {
      const found = this.shape(shape);
      if (found.type !== "number") throw new Error(`shape ${shape} is a ${found.type}`);
      rule = new NumberRule(found);
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
    const of = (type: Shape["type"]) => {
      const all = nodes.flatMap((node) => this.program.nodes[node] ?? []);
      return [...new Set(all)].filter((shape) => this.shape(shape).type === type);
    };
    switch (byte) {
      case 0x7b:
        return ObjectFrame.begin(this, parent, of("object"));
      case 0x5b:
        return ArrayFrame.begin(this, parent, of("array"));
      case 0x22:
        return StringFrame.begin(this, parent, of("string"));
      case 0x6e:
        return literal(this, parent, "ull", of("null"));
      case 0x74:
        return literal(this, parent, "rue", this.#booleans(of("boolean"), true));
      case 0x66:
        return literal(this, parent, "alse", this.#booleans(of("boolean"), false));
      default: {
        const position = readNumber(undefined, byte);
        if (position === undefined) return null;
        return NumberFrame.at(this, parent, of("number"), position, String.fromCharCode(byte));
      }
    }
  }

  #booleans(shapes: readonly number[], wanted: boolean): readonly number[] {
    return shapes.filter((index) => {
      const shape = this.shape(index);
      return shape.type === "boolean" && shape.value === wanted;
    });
  }
}

function literal(
  context: JsonContext,
  parent: JsonFrame,
  rest: string,
  shapes: readonly number[],
): JsonFrame | null {
  return shapes.length === 0 ? null : LiteralFrame.at(context, parent, rest, shapes);
}
