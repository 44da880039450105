import { InvalidRequestError } from "../../errors.ts";
import { type Automaton, LAST_CODE_POINT } from "./automaton.ts";
import type { Expression, Form, Marker } from "./expression.ts";
import type { JsonFrame } from "./json-frame.ts";
import { JsonMachine } from "./json-machine.ts";
import type { JsonProgram } from "./json-program.ts";
import { utf8Sequences } from "./utf8-ranges.ts";

/** An edge of a network; where it leads once it is passed. */
export type Edge =
  | { readonly type: "empty"; readonly to: number }
  | { readonly type: "bytes"; readonly from: number; readonly upTo: number; readonly to: number }
  /** A control token by its text; any of them where `text` is left out. */
  | { readonly type: "token"; readonly text: string | undefined; readonly to: number }
  | { readonly type: "json"; readonly start: JsonFrame; readonly to: number }
  | { readonly type: "rule"; readonly start: number; readonly end: number; readonly to: number };

/** Places of one form: past them it is refused. */
const MAX_PLACES = 60_000;

/** A form that can't be followed: too large, without a text, or naming what it lacks. */
export class NetworkError extends InvalidRequestError {
  constructor(why: string) {
    super(`The grammar can't be followed: ${why}.`, { param: "grammar" });
  }
}

/**
 * A form as a recursive transition network: places joined by edges, some of which stand for a whole rule. Places from
 * which the end can't be reached are cut off: every text that has begun can be completed.
 */
export class Network {
  readonly edges: Edge[][] = [];
  readonly start: number;
  readonly end: number;
  readonly #form: Form;
  readonly #rules = new Map<string, { readonly start: number; readonly end: number }>();
  readonly #machines = new Map<JsonProgram, JsonMachine>();

  readonly #controlTexts: readonly string[];

  /**
   * `controlTexts`: how control tokens are written, which have no text of their own.
   * @throws NetworkError for a form that is too large, names no rule, or has no text
   */
  constructor(form: Form, controlTexts: readonly string[]) {
    this.#form = form;
    this.#controlTexts = controlTexts;
    this.start = this.#place();
    this.end = this.#place();
    this.#add(form.start, this.start, this.end);
    this.#cut();
  }

  /** Whether nothing is read between a place and the end of its rule. */
  leadsOnlyToEnd(place: number): boolean {
    let at = place;
    for (let out = this.edges[at]; out !== undefined && out.length === 1; out = this.edges[at]) {
      if (out[0]?.type !== "empty") return false;
      at = out[0].to;
    }
    return this.edges[at]?.length === 0;
  }

  /** Places in JSON values that are kept. */
  get size(): number {
    return [...this.#machines.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Whether texts that a state can't tell apart may differ in keys or items that must not be equal. */
  get comparesValues(): boolean {
    return [...this.#machines.keys()].some(({ shapes }) =>
      shapes.some(
        (shape) =>
          (shape.type === "object" && shape.others.length > 0) ||
          (shape.type === "array" && shape.isUnique === true),
      ),
    );
  }

  #place(): number {
    if (this.edges.length >= MAX_PLACES) throw new NetworkError("it is too large");
    return this.edges.push([]) - 1;
  }

  #edge(from: number, edge: Edge): void {
    this.edges[from]?.push(edge);
  }

  #bytes(from: number, byte: number, to: number): void {
    this.#edge(from, { type: "bytes", from: byte, upTo: byte, to });
  }

  /** Rules and what expressions hold are put off: depth costs no stack. */
  #add(first: Expression, start: number, end: number): void {
    const open: Array<{ readonly expression: Expression; readonly from: number; readonly to: number }> = [
      { expression: first, from: start, to: end },
    ];
    for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
      const { expression, from, to } = entry;
      const later = (inner: Expression, innerFrom: number, innerTo: number) =>
        open.push({ expression: inner, from: innerFrom, to: innerTo });
      switch (expression.type) {
        case "text":
          this.#text(expression.text, expression.isMarkup === true, from, to);
          break;
        case "characters":
          this.#characters(expression.ranges, from, to);
          break;
        case "automaton":
          this.#automaton(expression.automaton, from, to);
          break;
        case "json":
          this.#edge(from, {
            type: "json",
            start: this.#machine(expression.program).start(expression.node ?? 0),
            to,
          });
          break;
        case "sequence": {
          let at = from;
          for (const item of expression.items) {
            const next = this.#place();
            later(item, at, next);
            at = next;
          }
          this.#edge(at, { type: "empty", to });
          break;
        }
        case "choice":
          for (const item of expression.items) later(item, from, to);
          break;
        case "repeat": {
          let at = from;
          for (let count = 0; count < (expression.max ?? expression.min); count++) {
            if (count >= expression.min) this.#edge(at, { type: "empty", to });
            const next = this.#place();
            later(expression.item, at, next);
            at = next;
          }
          if (expression.max === undefined) {
            const loop = this.#place();
            this.#edge(at, { type: "empty", to: loop });
            later(expression.item, loop, loop);
            at = loop;
          }
          this.#edge(at, { type: "empty", to });
          break;
        }
        case "until":
          this.#until(expression.markers, expression.mayEnd, from, to, later);
          break;
        case "rule": {
          const known = this.#rules.get(expression.name);
          const rule = known ?? { start: this.#place(), end: this.#place() };
          this.#edge(from, { type: "rule", ...rule, to });
          if (known !== undefined) break;
          const { rules } = this.#form;
          const body =
            rules !== undefined && Object.hasOwn(rules, expression.name) ? rules[expression.name] : undefined;
          if (body === undefined)
            throw new NetworkError(`it names a rule ${expression.name} that it does not have`);
          this.#rules.set(expression.name, rule);
          later(body, rule.start, rule.end);
        }
      }
    }
  }

  #machine(program: JsonProgram): JsonMachine {
    let machine = this.#machines.get(program);
    if (machine === undefined) {
      machine = new JsonMachine(program);
      this.#machines.set(program, machine);
    }
    return machine;
  }

  #text(text: string, isMarkup: boolean, from: number, to: number): void {
    const bytes = Buffer.from(text, "utf8");
    const places = [from, ...Array.from(bytes, () => this.#place())];
    for (const [index, byte] of bytes.entries())
      this.#bytes(places[index] as number, byte, places[index + 1] as number);
    this.#edge(places[bytes.length] as number, { type: "empty", to });
    for (const control of isMarkup ? this.#controlTexts : []) {
      const own = Buffer.from(control, "utf8");
      for (let at = bytes.indexOf(own); at >= 0; at = bytes.indexOf(own, at + 1))
        this.#edge(places[at] as number, {
          type: "token",
          text: control,
          to: places[at + own.length] as number,
        });
    }
  }

  #characters(ranges: ReadonlyArray<readonly [number, number]>, from: number, to: number): void {
    // Sequences that begin alike would be more places to be in at once; the sets of a state join them.
    for (const sequence of ranges.flatMap(([first, last]) => utf8Sequences(first, last))) {
      let at = from;
      for (const [index, [low, high]] of sequence.entries()) {
        const next = index === sequence.length - 1 ? to : this.#place();
        this.#edge(at, { type: "bytes", from: low, upTo: high, to: next });
        at = next;
      }
    }
  }

  /** A place for each state; neighbouring ranges that lead to one state are one. */
  #automaton({ starts, classes, classCount, table, accepting }: Automaton, from: number, to: number): void {
    const places = Array.from(accepting, () => this.#place());
    this.#edge(from, { type: "empty", to: places[0] as number });
    for (const [state, place] of places.entries()) {
      if (accepting[state] === 1) this.#edge(place, { type: "empty", to });
      const ranges = new Map<number, Array<[number, number]>>();
      for (const [index, first] of starts.entries()) {
        const target = table[state * classCount + (classes[index] as number)] as number;
        if (target < 0) continue;
        const last = (starts[index + 1] ?? LAST_CODE_POINT + 1) - 1;
        const known = ranges.get(target);
        const before = known?.at(-1);
        if (known === undefined) ranges.set(target, [[first, last]]);
        else if (before?.[1] === first - 1) before[1] = last;
        else known.push([first, last]);
      }
      for (const [target, own] of ranges) this.#characters(own, place, places[target] as number);
    }
  }

  /** The states of Aho and Corasick's search (1975): the text before holds no whole marker. */
  #until(
    markers: readonly Marker[],
    mayEnd: boolean,
    from: number,
    to: number,
    later: (expression: Expression, from: number, to: number) => void,
  ): void {
    const texts = markers.map(({ text }) => Buffer.from(text, "utf8").toString("latin1"));
    const prefixes = new Map<string, number>([["", this.#place()]]);
    for (const marker of texts)
      for (let length = 1; length < marker.length; length++) {
        const prefix = marker.slice(0, length);
        if (!prefixes.has(prefix)) prefixes.set(prefix, this.#place());
      }
    const first = prefixes.get("") as number;
    this.#edge(from, { type: "empty", to: first });
    const behind = markers.map((marker) => {
      const place = this.#place();
      if (marker.behind === undefined) this.#edge(place, { type: "empty", to });
      else later(marker.behind, place, to);
      return place;
    });
    for (const [prefix, place] of prefixes) {
      if (mayEnd) this.#edge(place, { type: "empty", to });
      const after = (more: string): number => {
        let seen = prefix + more;
        const found = texts.findIndex((marker) => seen.endsWith(marker));
        while (found < 0 && !prefixes.has(seen)) seen = seen.slice(1);
        return found >= 0 ? (behind[found] as number) : (prefixes.get(seen) as number);
      };
      for (let byte = 0; byte < 256; byte++) this.#bytes(place, byte, after(String.fromCharCode(byte)));
      this.#edge(place, { type: "token", text: undefined, to: first });
      for (const control of this.#controlTexts) {
        const to = after(Buffer.from(control, "utf8").toString("latin1"));
        if (to !== first) this.#edge(place, { type: "token", text: control, to });
      }
    }
  }

  /** Takes out edges to where no end can be reached from. */
  #cut(): void {
    const reaches = new Set<number>();
    const ends = new Set([this.end, ...[...this.#rules.values()].map(({ end }) => end)]);
    for (const end of ends) reaches.add(end);
    const passes = (edge: Edge) => reaches.has(edge.to) && (edge.type !== "rule" || reaches.has(edge.start));
    for (let hasGrown = true; hasGrown; ) {
      hasGrown = false;
      for (let place = this.edges.length - 1; place >= 0; place--) {
        if (reaches.has(place) || !this.edges[place]?.some(passes)) continue;
        reaches.add(place);
        hasGrown = true;
      }
    }
    if (!reaches.has(this.start)) throw new NetworkError("no text satisfies it");
    for (const [place, out] of this.edges.entries()) this.edges[place] = out.filter(passes);
  }
}
