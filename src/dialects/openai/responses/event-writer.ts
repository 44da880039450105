import { monotonicMs } from "../../../platform/clock.ts";
import type { Store } from "../../../platform/store/database.ts";
import { addEvents, eventsAfter } from "./background-table.ts";
import type { Begun } from "./head.ts";
import type { OutputEvent } from "./output.ts";

/** Events that come within this time are written together. */
const INTERVAL_MS = 100;

/** The attempt is no longer the one that makes the response: it was cancelled, deleted, or taken over. */
export class AttemptOver extends Error {
  constructor() {
    super("the attempt is over");
  }
}

export interface EventWriterOptions {
  readonly store: Store;
  readonly id: string;
  readonly attempt: number;
  readonly onWritten: () => void;
}

/** Writes what an attempt tells of its response. */
export class EventWriter {
  readonly #options: EventWriterOptions;
  #waiting: OutputEvent[] = [];
  #writtenAt = Number.NEGATIVE_INFINITY;
  #nextNumber = 0;

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Ends items that an interrupted attempt left open, for those who follow. @returns where this attempt goes on */
  async closeEarlier(): Promise<Pick<Begun, "nextNumber" | "nextIndex">> {
    const { store, id } = this.#options;
    const found = await eventsAfter(await store.database(), id, -1);
    const open = new Map<unknown, OutputEvent>();
    let items = 0;
    for (const event of found?.events ?? []) {
      this.#nextNumber = Number(event["sequence_number"]) + 1;
      if (event.type === "response.output_item.added") {
        open.set(event["output_index"], event);
        items++;
      }
      if (event.type === "response.output_item.done") open.delete(event["output_index"]);
    }
    for (const { output_index, item } of open.values())
      await this.add({
        type: "response.output_item.done",
        output_index,
        item: { ...(item as object), status: "incomplete" },
        sequence_number: this.#nextNumber,
      });
    return { nextNumber: this.#nextNumber, nextIndex: items };
  }

  /** @throws AttemptOver */
  async add(event: OutputEvent): Promise<void> {
    this.#waiting.push(event);
    this.#nextNumber = Number(event["sequence_number"]) + 1;
    if (monotonicMs() - this.#writtenAt >= INTERVAL_MS) await this.flush();
  }

  /** @throws AttemptOver */
  async flush(): Promise<void> {
    const events = this.#waiting;
    this.#waiting = [];
    const { store, id, attempt, onWritten } = this.#options;
    if (!(await addEvents(await store.database(), id, attempt, events))) throw new AttemptOver();
    this.#writtenAt = monotonicMs();
    onWritten();
  }
}
