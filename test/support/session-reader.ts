import assert from "node:assert/strict";
import { KEY, type TestServer } from "./server.ts";

/** Follows a session across the server's deaths, as a client with `Last-Event-ID` does. */
export class SessionReader {
  readonly #id: string;
  #last = -1;
  readonly #items = new Map<string, "added" | "done">();
  #isIdle = false;

  constructor(id: string) {
    this.#id = id;
  }

  /** How many came; each is the one after that before it. */
  get events(): number {
    return this.#last + 1;
  }

  /** Reads until the session rests, or the connection ends. */
  async read(server: TestServer): Promise<void> {
    if (this.#isIdle) return;
    try {
      for await (const { id, event } of numbered(await this.#follow(server))) this.#take(id, event);
    } catch (error) {
      // The server died in the middle: that is what this is about. A failed check is another thing.
      if (error instanceof assert.AssertionError) throw error;
    }
  }

  /** Reads the rest, until the session rests. */
  async finish(server: TestServer): Promise<void> {
    if (!this.#isIdle) {
      for await (const { id, event } of numbered(await this.#follow(server))) {
        this.#take(id, event);
        if (this.#isIdle) break;
      }
    }
    assert.ok(this.#isIdle, "the last event is missing");
    assert.ok(
      [...this.#items.values()].every((state) => state === "done"),
      "an item was never ended",
    );
  }

  #follow(server: TestServer): Promise<Response> {
    return fetch(`${server.url}/v1/agents/sessions/${this.#id}/events?from=start`, {
      headers: { ...KEY, ...(this.#last >= 0 && { "last-event-id": String(this.#last) }) },
    });
  }

  #take(number: number, event: { type: string; item?: { id: string }; output_index?: number | null }): void {
    assert.equal(number, this.#last + 1, "an event is missing, or came twice");
    this.#last = number;
    this.#isIdle = event.type === "agent.session.idle";
    if (event.item === undefined || event.output_index === null) return;
    const before = this.#items.get(event.item.id);
    if (event.type.endsWith("item.added")) {
      assert.equal(before, undefined);
      this.#items.set(event.item.id, "added");
    } else {
      assert.equal(before, "added");
      this.#items.set(event.item.id, "done");
    }
  }
}

async function* numbered(response: Response) {
  let buffered = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    buffered += chunk;
    const blocks = buffered.split("\n\n");
    buffered = blocks.pop() ?? "";
    for (const block of blocks) {
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (id !== undefined && data !== undefined) yield { id: Number(id), event: JSON.parse(data) };
    }
  }
}
