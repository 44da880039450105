import type { Clock } from "../../platform/clock.ts";
import { MIN_SAVED_TOKENS, type SavedSequence, SavedSequences } from "../kv-cache/saved-sequences.ts";
import { formatMemory } from "../process/memory-fit.ts";
import { KvFiles } from "./kv-files.ts";

/** Share of free memory that the automatic budget takes, and its ceiling. */
const AUTOMATIC_SHARE = 0.25;
const AUTOMATIC_CEILING = 8 * 2 ** 30;
/** Longest time that saving may hold up the end of the process. */
const MAX_CLOSING_MS = 3_000;

export interface KvTiersOptions {
  /** Bytes; undefined takes a share of `availableMemory`. */
  readonly hostMemory: number | undefined;
  /** Bytes; undefined takes a share of the free disk. */
  readonly disk: number | undefined;
  readonly directory: string;
  /** Names all that keys and values depend on, beside the tokens. */
  readonly identity: string;
  /** Bytes that are left beside weights and context. */
  readonly availableMemory: number;
  readonly onProblem: (text: string) => void;
}

/** Where sequences go that must give way in the context: host memory first, then disk, which outlives the process. */
export class KvTiers {
  readonly saved: SavedSequences;
  readonly explanation: string;
  readonly #files: KvFiles | undefined;

  constructor({ hostMemory, disk, availableMemory, ...files }: KvTiersOptions) {
    const memory =
      hostMemory ?? Math.min(AUTOMATIC_CEILING, Math.max(0, Math.floor(AUTOMATIC_SHARE * availableMemory)));
    const kept = disk === 0 ? undefined : new KvFiles({ ...files, maxBytes: disk });
    this.#files = kept;
    this.saved = new SavedSequences(
      memory,
      kept && ((dropped) => (dropped.tier === "memory" ? kept.write(dropped) : undefined)),
    );
    this.explanation =
      `sequences that give way: ${formatMemory(memory)} of memory` +
      (kept === undefined ? "" : `, ${formatMemory(kept.maxBytes)} of disk (${kept.count} files)`);
  }

  /** Reads into memory what the disk has of `prompt`, where that is more than the `atHand` tokens that need no reading. */
  async stage(prompt: Int32Array, scope: string, atHand: () => number): Promise<void> {
    const found = this.#files?.longest(prompt, scope);
    if (found === undefined || found.shared < atHand() + MIN_SAVED_TOKENS) return;
    const read = await this.#files?.read(found.file, scope);
    if (read !== undefined && found.shared >= atHand() + MIN_SAVED_TOKENS) this.saved.add(read);
  }

  /** Writes to disk what is in the context and in memory, the most recently used first, as far as time allows. */
  async close(idle: Iterable<SavedSequence>, clock: Clock): Promise<void> {
    const files = this.#files;
    if (files === undefined) return;
    const deadline = clock() + MAX_CLOSING_MS;
    let left = files.maxBytes;
    for (const sequence of chain(idle, this.saved.newestFirst)) {
      left -= sequence.state.length;
      if (left < 0 || clock() > deadline || !(await files.put(sequence))) break;
    }
    await files.written;
  }
}

function* chain<T>(...lists: readonly Iterable<T>[]): Generator<T> {
  for (const list of lists) yield* list;
}
