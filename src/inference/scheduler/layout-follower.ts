import type { Clock } from "../../platform/clock.ts";
import type { ScopedTokens } from "../kv-cache/common-tokens.ts";
import { LayoutChoice } from "../kv-cache/layout-choice.ts";
import { maxIdleTokens, type PrefixCache } from "../kv-cache/prefix-cache.ts";
import type { KvLayoutChoice } from "../kv-layout.ts";
import type { DecodeContext } from "./decode-context.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Lets the cache's layout follow what requests have in common. Room in the other layout is made while steps go on in the
 * present one; what sequences hold is moved between two steps.
 */
export class LayoutFollower {
  readonly #context: DecodeContext;
  readonly #cache: PrefixCache;
  readonly #clock: Clock;
  readonly #onChanged: (choice: KvLayoutChoice) => void;
  readonly #choice = new LayoutChoice();
  /** The requests of the latest look: what they have in common changes little before others come or go. */
  #seen: readonly Sequence[] = [];
  #isPreparing = false;
  /** The layout that there is room in now, and when that was begun. */
  #prepared: (KvLayoutChoice & { readonly begunAt: number }) | undefined;

  constructor(
    context: DecodeContext,
    cache: PrefixCache,
    clock: Clock,
    onChanged: (choice: KvLayoutChoice) => void,
  ) {
    this.#context = context;
    this.#cache = cache;
    this.#clock = clock;
    this.#onChanged = onChanged;
  }

  /** To be called between steps; changes the layout where another one suits `requests`, running and next in line, better. */
  follow(requests: readonly Sequence[]): void {
    if (this.#prepared !== undefined) this.#change();
    else if (!this.#isPreparing && !this.#hasSeen(requests)) this.#look(requests);
  }

  #hasSeen(requests: readonly Sequence[]): boolean {
    const isSame =
      requests.length === this.#seen.length && requests.every((request, i) => request === this.#seen[i]);
    this.#seen = requests;
    return isSame;
  }

  #look(requests: readonly Sequence[]): void {
    const begunAt = this.#clock();
    const better = this.#choice.better(requests.map(tokensOf), begunAt);
    if (better === undefined) return;
    this.#isPreparing = true;
    this.#context
      .prepareLayout(better.layout)
      .then(
        () => {
          this.#prepared = { ...better, begunAt };
        },
        (error: unknown) => {
          this.#choice.failed(this.#clock());
          const why = error instanceof Error ? error.message : String(error);
          this.#onChanged({
            layout: this.#context.layout,
            reason: `${better.layout} would be better: ${why}`,
          });
        },
      )
      .finally(() => {
        this.#isPreparing = false;
      });
  }

  #change(): void {
    const prepared = this.#prepared;
    if (prepared === undefined) return;
    this.#prepared = undefined;
    const { layout, reason, begunAt } = prepared;
    const startedAt = this.#clock();
    // What finished requests left is moved only as far as the new layout can have it.
    this.#cache.trim(maxIdleTokens(layout, this.#context.contextPerSequence));
    this.#context.changeLayout(this.#cache.commonBeginnings());
    const now = this.#clock();
    this.#choice.changed(layout, now - begunAt, now);
    const times = `made in ${Math.round(startedAt - begunAt)} ms, moved in ${Math.round(now - startedAt)} ms`;
    this.#onChanged({ layout, reason: `${reason}; ${times}` });
  }
}

function tokensOf({ slot, prompt, isPrefilling, scope }: Sequence): ScopedTokens {
  return { tokens: slot === undefined || isPrefilling ? prompt : slot.tokens, scope };
}
