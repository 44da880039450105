import { InvalidRequestError } from "../../errors.ts";
import { waysToBreak } from "./breaking.ts";
import { isObject, type Located } from "./document.ts";
import { tooComplex } from "./errors.ts";
import { holds, type Reading } from "./holding.ts";
import { KeywordValues } from "./keyword-values.ts";
import { type Application, type Literal, Part } from "./part.ts";
import { assertAwaited } from "./patience.ts";

/** Parts that one node may come to, and all nodes together. */
const MAX_PARTS_PER_NODE = 1500;
const MAX_PARTS = 30_000;

export interface ExpansionOptions {
  /** Leave out what can't be held. */
  readonly isLenient: boolean;
}

/** Works out the conjunctions of which one must hold for a value to satisfy schemas: their disjunctive normal form. */
export class Expansion {
  readonly #reading: Reading;
  readonly #isLenient: boolean;
  readonly #applied = new WeakMap<Part, ReadonlyMap<number, boolean>>();
  #parts = 0;
  /** Something was left out that makes what is allowed smaller than the schema says. */
  isNarrowed = false;

  constructor(reading: Reading, { isLenient }: ExpansionOptions) {
    this.#reading = reading;
    this.#isLenient = isLenient;
  }

  /** @throws InvalidRequestError naming schema and keyword */
  partsOf(literals: readonly Literal[]): readonly Part[] {
    const first = new Part();
    first.work = literals.map((literal) => ({ ...literal, from: undefined }));
    const stack = [first];
    const done: Part[] = [];
    let count = 0;
    for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
      assertAwaited();
      this.#settle(part);
      part.tighten();
      if (part.types === 0) continue;
      const [choice, ...later] = part.choices;
      const isTooMuch = ++count > MAX_PARTS_PER_NODE || ++this.#parts > MAX_PARTS;
      if (isTooMuch && !this.#isLenient) throw tooComplex(literals[0]?.located.path ?? "");
      if (choice === undefined || isTooMuch) {
        done.push(part);
        // What is left out here is left to the model.
        if (isTooMuch)
          return [...done, ...stack.map((rest) => Object.assign(rest, { work: [], choices: [] }))];
        continue;
      }
      part.choices = later;
      for (const branch of choice.toReversed()) {
        const copy = part.copy();
        this.#applied.set(copy, this.#applied.get(part) ?? new Map());
        for (const action of branch) {
          if (action.type === "apply") copy.apply(action.application);
          else action.narrow(copy);
        }
        stack.push(copy);
      }
    }
    return done;
  }

  #settle(part: Part): void {
    const applied = new Map(this.#applied.get(part));
    while (part.work.length > 0 && part.types !== 0) {
      const [own, ...rest] = part.work;
      part.work = rest;
      if (own === undefined) break;
      const known = applied.get(own.located.id);
      if (known === undefined) {
        applied.set(own.located.id, own.isNegated);
        this.#apply(part, own);
      } else if (known !== own.isNegated || (isCyclic(own) && !own.isNegated)) part.narrowTypes(0);
    }
    this.#applied.set(part, applied);
  }

  #apply(part: Part, own: Application): void {
    const { schema } = own.located;
    if (typeof schema === "boolean") {
      if (schema === own.isNegated) part.narrowTypes(0);
      return;
    }
    const keywords = keywordsOf(own.located);
    if (own.isNegated) this.#break(part, own, keywords);
    else {
      const at = new KeywordValues(schema, own.located);
      for (const keyword of keywords) {
        this.#tolerant(() => holds[keyword]?.hold(part, at, own, this.#reading));
      }
    }
  }

  #break(part: Part, own: Application, keywords: readonly string[]): void {
    this.#tolerant(() => {
      const { branches, isWhole } = waysToBreak(own, this.#reading, keywords);
      if (!isWhole) this.isNarrowed = true;
      part.choose(branches);
    });
  }

  #tolerant(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!this.#isLenient || !(error instanceof InvalidRequestError)) throw error;
    }
  }
}

/** A schema that is taken up for itself has no value by it. */
function isCyclic(own: Application): boolean {
  for (let above = own.from; above !== undefined; above = above.from) {
    if (above.located.id === own.located.id) return true;
  }
  return false;
}

/** Keywords that say something of validity in the schema's draft. */
export function keywordsOf({ schema, draft }: Located): readonly string[] {
  if (!isObject(schema)) return [];
  // Until draft 7, what stands beside a reference says nothing.
  if (draft <= 7 && Object.hasOwn(schema, "$ref")) return ["$ref"];
  return Object.keys(schema).filter(
    (keyword) =>
      Object.hasOwn(holds, keyword) && (holds[keyword]?.since ?? 0) <= draft && schema[keyword] !== undefined,
  );
}
