/** An event as a server sent it. */
export interface ReceivedEvent {
  readonly id: string | undefined;
  /** Its lines of data. */
  readonly data: string;
}

/** The events of an answer that have data (WHATWG HTML, section 9.2). */
export async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncIterable<ReceivedEvent> {
  const decoder = new TextDecoder();
  let buffered = "";
  for await (const chunk of body) {
    buffered += decoder.decode(chunk, { stream: true });
    const events = buffered.split(/\r?\n\r?\n/);
    buffered = events.pop() ?? "";
    for (const event of events) {
      const lines = event.split(/\r?\n/);
      const field = (name: string) =>
        lines.flatMap((line) =>
          line.startsWith(`${name}:`) ? [line.slice(name.length + 1).replace(/^ /, "")] : [],
        );
      const data = field("data").join("\n");
      if (data !== "") yield { id: field("id").at(-1), data };
    }
  }
}
