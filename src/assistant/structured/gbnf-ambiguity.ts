import { type Element, type Rules, readGbnf, refuseGrammar } from "./gbnf-reader.ts";

/** Ways in which what was written so far can go on. llama.cpp tries each of them on every token of the vocabulary. */
const MAX_WAYS = 500;
/** Rules that are entered or left between two characters; llama.cpp does so by recursion, for each reading anew. */
const MAX_DEPTH = 500;
const MAX_MOVES = 5000;
/** Characters of each text that is tried. */
const PROBE_LENGTH = 48;
/** Characters that are weighed against one another at each of them. */
const MAX_CHOICES = 64;

/** A place in a sequence and where to go on behind it; the same place and way is one object. */
interface Place {
  readonly id: number;
  readonly sequence: readonly Element[];
  readonly at: number;
  readonly after: Place | undefined;
}

/**
 * Refuses grammars that could hold up everybody: llama.cpp follows all readings of a text at once, and their number
 * may double with every character. Texts are tried that give as many readings as possible; what they don't show stays.
 * @throws InvalidRequestError also where the grammar is malformed or too large
 */
export function assertTractable(source: string): void {
  const walk = new GrammarWalk(readGbnf(source));
  for (const isWidest of [true, false]) {
    let places = walk.begin();
    for (let step = 0; step < PROBE_LENGTH && places.length > 0; step++) {
      const nexts = lettersOf(places).map((letter) => walk.step(places, letter));
      const widest = nexts.toSorted((a, b) => b.length - a.length)[0] ?? [];
      // The second text takes the turn that was found last: often the one that leads on and not back.
      places = isWidest ? widest : (nexts.findLast((next) => next.length > 0) ?? []);
    }
  }
}

/** One character for each of the sets that the places differ by, evenly chosen where there are many. */
function lettersOf(places: readonly Place[]): readonly number[] {
  const starts = new Set(
    places.flatMap(({ sequence, at }) => {
      const element = sequence[at];
      return element?.type === "characters" ? element.ranges.map(([from]) => from) : [];
    }),
  );
  const all = [...starts];
  const stride = Math.ceil(all.length / MAX_CHOICES);
  return all.filter((_, index) => index % stride === 0);
}

/** Follows all readings of a text at once, as llama.cpp does (llama-grammar.cpp, `llama_grammar_advance_stack`). */
class GrammarWalk {
  readonly #rules: Rules;
  readonly #places = new Map<string, Place>();
  readonly #ids = new Map<readonly Element[], number>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  begin(): readonly Place[] {
    const { rules, root } = this.#rules;
    return this.#settle((rules[root] ?? []).map((sequence) => ({ sequence, at: 0, after: undefined })));
  }

  step(places: readonly Place[], letter: number): readonly Place[] {
    const matched = places.filter(({ sequence, at }) => {
      const element = sequence[at];
      return (
        element?.type === "characters" && element.ranges.some(([from, to]) => from <= letter && letter <= to)
      );
    });
    return this.#settle(matched.map(({ sequence, at, after }) => ({ sequence, at: at + 1, after })));
  }

  /** The places at a character that are reached without one. */
  #settle(starts: readonly Omit<Place, "id">[]): readonly Place[] {
    const found = new Set<Place>();
    let moves = 0;
    for (const { sequence, at, after } of starts) {
      const seen = new Set<Place>();
      const visit: Visit = (sequence, at, after, depth) => {
        if (depth > MAX_DEPTH) refuseGrammar("goes through too many rules between two characters");
        const element = sequence[at];
        if (element === undefined) {
          if (after !== undefined) visit(after.sequence, after.at, after.after, depth + 1);
          return;
        }
        const place = this.#place(sequence, at, after);
        if (seen.has(place)) return;
        seen.add(place);
        if (++moves > MAX_MOVES || found.size > MAX_WAYS)
          refuseGrammar("is too ambiguous: too many readings of one text go on at once");
        if (element.type === "characters") {
          found.add(place);
          return;
        }
        // What ends with a rule has nothing to come back to.
        const back = at + 1 < sequence.length ? this.#place(sequence, at + 1, after) : after;
        for (const option of this.#rules.rules[element.rule] ?? []) visit(option, 0, back, depth + 1);
      };
      visit(sequence, at, after, 0);
    }
    return [...found];
  }

  #place(sequence: readonly Element[], at: number, after: Place | undefined): Place {
    let number = this.#ids.get(sequence);
    if (number === undefined) {
      number = this.#ids.size;
      this.#ids.set(sequence, number);
    }
    const key = `${number} ${at} ${after?.id ?? ""}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { id: this.#places.size, sequence, at, after };
      this.#places.set(key, place);
    }
    return place;
  }
}

type Visit = (sequence: readonly Element[], at: number, after: Place | undefined, depth: number) => void;
