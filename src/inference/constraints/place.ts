import { Distinctness, type Stake } from "./distinctness.ts";
import type { NetworkState } from "./network-state.ts";
import { workDone } from "./state.ts";

/**
 * Bytes tried, and transitions worked out for them, before a place is taken to lead nowhere. From a place on a way that
 * was found, the same search finds the rest of it sooner, so what was allowed never gets stuck.
 */
const MAX_TRIES = 150_000;
const MAX_WORK = 20_000;

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
/** All bytes, those that end something first. */
const nearestFirst: readonly number[] = [
  ...new Set([...'"}],:0123456789'].map((character) => character.charCodeAt(0))),
  ...range(0x61, 0x7a),
  ...range(0x41, 0x5a),
  ...range(0x21, 0xff),
  ...range(0x00, 0x20),
].filter((byte, index, all) => all.indexOf(byte) === index);

/** A place in a text that is held to a form, with what must not come twice. Undefined where nothing is compared. */
export class Place {
  readonly state: NetworkState;
  readonly #distinct: Distinctness | undefined;

  constructor(state: NetworkState, distinct?: Distinctness) {
    this.state = state;
    this.#distinct = distinct;
  }

  /** Behind a control token; null where it may not come here. */
  stepToken(text: string): Place | null {
    const state = this.state.stepToken(text);
    return state && new Place(state, state.values.length > 0 ? this.#distinct : undefined);
  }

  /** Behind bytes; null where they are not allowed, or leave nothing that could follow but what was there before. */
  stepAll(bytes: Uint8Array, comparesValues: boolean): Place | null {
    if (!comparesValues) {
      let state: NetworkState | null = this.state;
      for (let at = 0; at < bytes.length && state !== null; at++) state = state.step(bytes[at] as number);
      return state && new Place(state);
    }
    let place: Place | null = this;
    for (let at = 0; at < bytes.length && place !== null; at++) place = place.#step(bytes[at] as number);
    return place === null || place.#mayDiffer() ? place : null;
  }

  #step(byte: number): Place | null {
    const state = this.state.step(byte);
    if (state === null) return null;
    const { values } = state;
    if (values.length === 0) {
      // The byte may have ended a value, and with it what had to differ.
      return this.#distinct?.step(byte, false) === null ? null : new Place(state);
    }
    const isUnique = values.some(({ wantsUnique }) => wantsUnique);
    const distinct = (this.#distinct ?? Distinctness.start).step(byte, isUnique);
    return distinct && new Place(state, distinct);
  }

  /** Whether some text that follows has no key or item twice: looks for one, depth first. */
  #mayDiffer(): boolean {
    const stake = this.#distinct?.stake;
    if (stake === undefined) return true;
    const path = [{ place: this as Place, next: 0 }];
    const lastWork = workDone() + MAX_WORK;
    for (let tries = 0; tries < MAX_TRIES && workDone() < lastWork; tries++) {
      const top = path.at(-1);
      if (top === undefined) return false;
      if (top.next === 0 && top.place.#isPast(stake)) return true;
      const byte = nearestFirst[top.next++];
      if (byte === undefined) {
        path.pop();
        continue;
      }
      const next = top.place.#isBlank(byte) ? null : top.place.#step(byte);
      if (next !== null) path.push({ place: next, next: 0 });
    }
    return false;
  }

  #isPast(stake: Stake): boolean {
    if (this.#distinct?.isPast(stake) !== false) return true;
    return this.state.values.every(
      (frame) => frame.isEndless || (stake.kind === "key" && frame.isDeclaredKey),
    );
  }

  /** White space between tokens of JSON makes no difference. */
  #isBlank(byte: number): boolean {
    return byte <= 0x20 && this.#distinct?.isInText !== true;
  }
}
