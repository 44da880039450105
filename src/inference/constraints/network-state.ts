import { InvalidRequestError } from "../../errors.ts";
import type { JsonFrame } from "./json-frame.ts";
import type { Edge, Network } from "./network.ts";
import { State } from "./state.ts";

/** Where the callers of a rule continue once it ends: made once for all that called it in one state. */
interface Return {
  readonly id: number;
  /** Places behind the calls, each with where the callers of its own rule continue; by both, since calls are many. */
  readonly edges: Map<string, { readonly to: number; readonly above: Return | undefined }>;
}

/** One of the places in a network that a text may have come to. */
interface Item {
  readonly place: number;
  /** Undefined outside of all rules. */
  readonly above: Return | undefined;
  /** Within a JSON value that will lead to `place`. */
  readonly json: JsonFrame | undefined;
}

/** Places at once, and ways back from rules among them: a grammar that is more ambiguous is refused where it becomes so. */
const MAX_ITEMS = 1500;
const MAX_RETURNS = 10_000;
const MAX_STATES = 20_000;

/** More readings at once than are followed. */
class AmbiguityError extends InvalidRequestError {
  constructor() {
    super("The grammar is too ambiguous: one text has more readings than are followed.", {
      param: "grammar",
    });
  }
}

const keyOf = ({ place, above, json }: Item) => `${place}.${above?.id ?? 0}.${json?.id ?? 0}`;

let lastReturn = 0;

/** Everything that states of one network share. */
export class NetworkMachine {
  readonly network: Network;
  readonly #states = new Map<string, NetworkState>();

  constructor(network: Network) {
    this.network = network;
  }

  /** States that are kept, those within JSON values included. */
  get size(): number {
    return this.#states.size + this.network.size;
  }

  get start(): NetworkState {
    const state = this.at([{ place: this.network.start, above: undefined, json: undefined }]);
    if (state === null) throw new Error("a form without a text");
    return state;
  }

  /** The state of what was reached, null where nothing was. @throws AmbiguityError */
  at(reached: readonly Item[]): NetworkState | null {
    if (reached.length === 0) return null;
    const keys = new Map(reached.map((item) => [keyOf(item), item]));
    const key = keys.size === 1 ? keyOf(reached[0] as Item) : [...keys.keys()].sort().join();
    let state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= MAX_STATES) this.#states.clear();
      state = new NetworkState(this, [...keys.values()]);
      this.#states.set(key, state);
    }
    return state;
  }
}

/**
 * All places that a text may have come to, in a network with rules: a recogniser with a graph-structured stack
 * (Tomita 1985). Its nodes are shared by everything that calls a rule in the same state: ambiguity costs places and not
 * histories.
 */
export class NetworkState extends State {
  readonly #machine: NetworkMachine;
  readonly isComplete: boolean;
  protected override readonly weight: number;
  /** Items that read something next. */
  readonly #reading: ReadonlyArray<{ readonly edge: Edge; readonly above: Return | undefined }>;
  readonly #values: readonly Item[];
  #relaxed: { readonly characters: number; readonly state: NetworkState } | undefined;

  constructor(machine: NetworkMachine, kernel: readonly Item[]) {
    super();
    this.#machine = machine;
    const { network } = machine;
    const reading: Array<{ edge: Edge; above: Return | undefined }> = [];
    const values: Item[] = [];
    const returns = new Map<number, Return>();
    const own = new Set<Return>();
    /** Rules that have ended with nothing read since they were called here. */
    const emptied = new Set<string>();
    const seen = new Map<string, Item>();
    const open: Item[] = [];
    const reach = (item: Item) => {
      const key = keyOf(item);
      if (seen.has(key)) return;
      if (seen.size >= MAX_ITEMS) throw new AmbiguityError();
      seen.set(key, item);
      open.push(item);
    };
    let isComplete = false;
    let followed = 0;
    for (const item of kernel) reach(item);
    for (let item = open.pop(); item !== undefined; item = open.pop()) {
      const { place, above, json } = item;
      if (json !== undefined) {
        if (json.isComplete) reach({ place, above, json: undefined });
        values.push(item);
        continue;
      }
      if (place === network.end && above === undefined) isComplete = true;
      const out = network.edges[place] ?? [];
      // A rule's end has no edges of its own.
      if (above !== undefined && out.length === 0) {
        emptied.add(`${place}.${above.id}`);
        for (const back of above.edges.values())
          reach({ place: back.to, above: back.above, json: undefined });
      }
      for (const edge of out) {
        switch (edge.type) {
          case "empty":
            reach({ place: edge.to, above, json: undefined });
            break;
          case "json":
            values.push({ place: edge.to, above, json: edge.start });
            break;
          case "rule": {
            let back = returns.get(edge.start);
            if (back === undefined) {
              back = { id: ++lastReturn, edges: new Map() };
              returns.set(edge.start, back);
              own.add(back);
            }
            const { to } = edge;
            // A call that ends its own rule continues where that one would, which keeps lists by recursion flat.
            const isTail = above !== undefined && !own.has(above) && network.leadsOnlyToEnd(to);
            for (const next of isTail ? above.edges.values() : [{ to, above }]) {
              if (++followed > MAX_RETURNS) throw new AmbiguityError();
              const key = `${next.to}.${next.above?.id ?? 0}`;
              if (back.edges.has(key)) continue;
              back.edges.set(key, next);
              if (emptied.has(`${edge.end}.${back.id}`))
                reach({ place: next.to, above: next.above, json: undefined });
            }
            reach({ place: edge.start, above: back, json: undefined });
            break;
          }
          default:
            reading.push({ edge, above });
        }
      }
    }
    this.isComplete = isComplete;
    this.#reading = reading;
    this.#values = values;
    this.weight = 1 + ((seen.size + followed) >> 4) + ((reading.length + values.length) >> 3);
  }

  get readsTokens(): boolean {
    return this.#reading.some(({ edge }) => edge.type === "token");
  }

  /** Whether nothing can follow. */
  get isFinal(): boolean {
    return (
      this.isComplete &&
      this.#reading.length === 0 &&
      this.#values.every(({ json }) => json?.isComplete === true && json.isFinal)
    );
  }

  override get freeCharacters(): number {
    let most = 0;
    for (const { json } of this.#values) most = Math.max(most, json?.freeCharacters ?? 0);
    return most;
  }

  /** The frame that alone decides what may follow, where there is one. */
  get frame(): JsonFrame | undefined {
    if (this.isComplete || this.#reading.length > 0 || this.#values.length !== 1) return undefined;
    return this.#values[0]?.json;
  }

  /** The state with another frame in the place of the one that decides. */
  withFrame(json: JsonFrame): NetworkState {
    const [only] = this.#values;
    const state = only && this.#machine.at([{ ...only, json }]);
    if (!state) throw new Error("a frame without a place");
    return state;
  }

  /** The state behind a control token, null where it may not come here. */
  stepToken(text: string): NetworkState | null {
    const exact = this.#reading.filter(({ edge }) => edge.type === "token" && edge.text === text);
    const found =
      exact.length > 0
        ? exact
        : this.#reading.filter(({ edge }) => edge.type === "token" && edge.text === undefined);
    return this.#machine.at(found.map(({ edge, above }) => ({ place: edge.to, above, json: undefined })));
  }

  protected derive(byte: number): NetworkState | null {
    const reached: Item[] = [];
    for (const { edge, above } of this.#reading) {
      if (edge.type === "bytes" && byte >= edge.from && byte <= edge.upTo)
        reached.push({ place: edge.to, above, json: undefined });
    }
    for (const { place, above, json } of this.#values) {
      const next = json?.step(byte);
      if (next !== null && next !== undefined) reached.push({ place, above, json: next });
    }
    return this.#machine.at(reached);
  }

  /** JSON values that the text may be in. */
  get values(): readonly JsonFrame[] {
    return this.#values.flatMap(({ json }) =>
      json === undefined || json.isFinal || !json.hasBegun ? [] : [json],
    );
  }

  override relaxed(characters: number): NetworkState {
    if (this.#relaxed?.characters === characters) return this.#relaxed.state;
    const json = this.frame?.relaxed(characters) as JsonFrame | undefined;
    const state = json === undefined || json === this.frame ? this : this.withFrame(json);
    this.#relaxed = { characters, state };
    return state;
  }
}
