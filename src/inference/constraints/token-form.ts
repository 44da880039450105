import { allow } from "../llama/token-mask.ts";
import type { Form } from "./expression.ts";
import { JsonFrame } from "./json-frame.ts";
import { Network } from "./network.ts";
import { NetworkMachine, type NetworkState } from "./network-state.ts";
import { type State, workDone } from "./state.ts";
import { StringFrame } from "./string-frame.ts";
import type { TextState } from "./text-lexer.ts";
import type { TokenTable } from "./token-table.ts";
import type { TokenTrie } from "./token-trie.ts";

/** Masks kept for one form, of its states and of those within strings. */
const MAX_MASKS = 400;
/** What a state takes on average, its table of transitions included. */
const STATE_BYTES = 1024;
/** Transitions worked out for one mask; a mask is only begun where that is not enough, and still right as far as it goes. */
const MAX_WORK = 20_000;

/** Work that one mask may take; it goes on past the limit until some token is found. */
interface Budget {
  readonly limit: number;
  hasFound: boolean;
}

/** A form made ready for a vocabulary; shared by all texts that are held to it. */
export class TokenForm {
  readonly table: TokenTable;
  readonly start: NetworkState;
  readonly comparesValues: boolean;
  readonly #machine: NetworkMachine;
  readonly #masks = new Map<NetworkState, Uint32Array>();
  readonly #textMasks = new Map<TextState, Uint32Array>();

  /** @throws NetworkError, AmbiguityError */
  constructor(form: Form, table: TokenTable) {
    this.table = table;
    const network = new Network(
      form,
      table.controls.map(({ text }) => text),
    );
    this.#machine = new NetworkMachine(network);
    this.start = this.#machine.start;
    this.comparesValues = network.comparesValues;
  }

  /** About what its states and masks take, which grows as texts are held to it. */
  get heldBytes(): number {
    const masks = this.#masks.size + this.#textMasks.size;
    return masks * this.table.maskBytes + this.#machine.size * STATE_BYTES;
  }

  /** Tokens that may come next, as bits; keys and items that must differ are not compared. */
  mask(exact: NetworkState): Uint32Array {
    const state = exact.relaxed(this.table.longest);
    const known = this.#masks.get(state);
    if (known !== undefined) return known;
    const budget = { limit: workDone() + MAX_WORK, hasFound: false };
    const { frame } = state;
    const { mask, isWhole } =
      frame === undefined ? this.#maskOf(state, budget) : this.#maskWithin(frame, state, budget);
    if (isWhole) keep(this.#masks, state, mask);
    return mask;
  }

  #maskOf(state: NetworkState, budget: Budget) {
    const { table } = this;
    const free = state.freeCharacters;
    const mask = free > 0 ? table.freeMask(free).slice() : table.emptyMask();
    const tries = table.isUnbounded(free) ? [table.quoted] : [table.quoted, table.unquoted, table.plain];
    const isWhole = tries.every((trie) => walk(state, trie, mask, budget));
    if (state.readsTokens)
      for (const { token, text } of table.controls) if (state.stepToken(text) !== null) allow(mask, token);
    if (state.isComplete) for (const token of table.endTokens) allow(mask, token);
    return { mask, isWhole };
  }

  /** Within a JSON value, whose frames are walked as long as it lasts, and not states of the whole form. */
  #maskWithin(frame: JsonFrame, state: NetworkState, budget: Budget) {
    const { table } = this;
    const ended = (json: JsonFrame) => state.withFrame(json);
    if (frame instanceof StringFrame) {
      const within = this.#textMask(frame.text, budget);
      const mask = within.mask.slice();
      return { mask, isWhole: walk(frame, table.quoted, mask, budget, ended) && within.isWhole };
    }
    const mask = table.emptyMask();
    const tries = [table.quoted, table.unquoted, table.plain];
    return { mask, isWhole: tries.every((trie) => walk(frame, trie, mask, budget, ended)) };
  }

  /** Tokens that leave a string open: the same wherever the string is. */
  #textMask(text: TextState, budget: Budget): { readonly mask: Uint32Array; readonly isWhole: boolean } {
    const known = this.#textMasks.get(text);
    if (known !== undefined) return { mask: known, isWhole: true };
    const { table } = this;
    const free = text.freeCharacters;
    if (table.isUnbounded(free)) return { mask: table.freeMask(free), isWhole: true };
    // Among several forms, one with an automaton may take longer tokens than one of any text.
    const mask = free > 0 ? table.freeMask(free).slice() : table.emptyMask();
    const tries = free > 0 && text.items.length === 1 ? [table.unquoted] : [table.unquoted, table.plain];
    const isWhole = tries.every((trie) => walk(text, trie, mask, budget));
    if (isWhole) keep(this.#textMasks, text, mask);
    return { mask, isWhole };
  }
}

function keep<K>(masks: Map<K, Uint32Array>, key: K, mask: Uint32Array): void {
  if (masks.size >= MAX_MASKS) masks.clear();
  masks.set(key, mask);
}

/**
 * Adds the tokens of a trie that a state allows; false where the work was broken off. `ended` gives the state of the
 * whole form for a JSON value that may be over.
 */
function walk(
  start: State,
  trie: TokenTrie,
  mask: Uint32Array,
  budget: Budget,
  ended?: (json: JsonFrame) => State,
): boolean {
  const { bytes, depths, skips, firsts, tokens } = trie;
  const states: State[] = [start];
  const count = bytes.length;
  for (let node = 0; node < count; ) {
    const depth = depths[node] as number;
    let next: State | null = (states[depth] as State).step(bytes[node] as number);
    if (next === null) {
      node = skips[node] as number;
      continue;
    }
    // Only the outermost value's end is the end of the whole.
    if (ended !== undefined && next instanceof JsonFrame && next.depth <= 1 && next.isComplete)
      next = ended(next);
    states[depth + 1] = next;
    for (let at = firsts[node] as number; at < (firsts[node + 1] as number); at++) {
      allow(mask, tokens[at] as number);
      budget.hasFound = true;
    }
    node++;
    if (budget.hasFound && workDone() > budget.limit) return false;
  }
  return true;
}
