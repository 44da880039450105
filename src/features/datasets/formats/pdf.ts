import { Worker } from "node:worker_threads";
import { InvalidRequestError } from "../../../errors.ts";
import type { FromPdf } from "./pdf-thread.ts";
import type { RawRecord } from "./raw-record.ts";

export interface PdfLimits {
  readonly pages: number;
  readonly timeoutMs: number;
  /** Memory that reading it takes: JavaScript's heap, and by how much the process grows with the buffers beside it. */
  readonly memoryBytes: number;
  /** Characters of all pages together. */
  readonly characters: number;
}

export const pdfLimits: PdfLimits = {
  pages: 5000,
  timeoutMs: 120_000,
  memoryBytes: 1024 * 1024 * 1024,
  characters: 64 * 1024 * 1024,
};

const MEMORY_CHECK_MS = 20;

/**
 * The text layer of a PDF, one record a page; pages without text are none.
 * @throws InvalidRequestError when it can't be read, has no text, or takes more than the limits; the reason of `signal`
 * once that aborts
 */
export async function* readPdf(
  path: string,
  fileName: string,
  signal: AbortSignal,
  limits: PdfLimits = pdfLimits,
): AsyncIterable<RawRecord> {
  for (const { number, text } of await readPages(path, signal, limits)) {
    const value = {
      record_id: `${fileName}#page=${number}`,
      title: fileName,
      text,
      metadata: { source: fileName, page: number },
    };
    yield { type: "value", value };
  }
}

interface Page {
  readonly number: number;
  readonly text: string;
}

/** PDFs are read one after the other: each may take the memory limit. */
let reading: Promise<unknown> = Promise.resolve();

function readPages(path: string, signal: AbortSignal, limits: PdfLimits): Promise<readonly Page[]> {
  const pages = reading.then(() => readPagesNow(path, signal, limits));
  reading = pages.catch(() => {});
  return pages;
}

async function readPagesNow(path: string, signal: AbortSignal, limits: PdfLimits): Promise<readonly Page[]> {
  signal.throwIfAborted();
  const megabytes = Math.floor(limits.memoryBytes / 2 ** 20);
  const worker = new Worker(new URL("pdf-thread.ts", import.meta.url), {
    workerData: { path },
    resourceLimits: { maxOldGenerationSizeMb: megabytes },
    stdout: true,
    stderr: true,
  });
  const pages: Page[] = [];
  let characters = 0;
  const { promise: finished, resolve: finish, reject: refuse } = Promise.withResolvers<void>();
  worker.on("message", (message: FromPdf) => {
    if (message.type === "failed") refuse(unreadable(message.message));
    else if (message.type === "pages") {
      if (message.count > limits.pages) refuse(unreadable(`it has more than ${limits.pages} pages`));
    } else if (message.text !== "") {
      characters += message.text.length;
      if (characters > limits.characters) refuse(unreadable("it has too much text"));
      else pages.push(message);
    }
  });
  worker.on("error", ({ message }) => refuse(unreadable(message)));
  worker.on("exit", () => finish());
  const leave = () => refuse(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  const timeout = setTimeout(
    () => refuse(unreadable(`reading it takes longer than ${limits.timeoutMs / 1000} s`)),
    limits.timeoutMs,
  );
  // A small file can unpack to gigabytes in buffers. The limit of the heap does not count those, and the thread, which
  // answers between two pieces of its work, would report them too late.
  const before = process.memoryUsage.rss();
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() - before > limits.memoryBytes)
      refuse(unreadable(`reading it takes more than ${megabytes} MiB of memory`));
  }, MEMORY_CHECK_MS);
  try {
    await finished;
  } finally {
    clearTimeout(timeout);
    clearInterval(watch);
    signal.removeEventListener("abort", leave);
    await worker.terminate();
  }
  if (pages.length === 0)
    throw unreadable("it has no text layer (scanned pages need text recognition first)");
  return pages;
}

function unreadable(reason: string): InvalidRequestError {
  // The library's messages end in a full stop, or in several.
  return new InvalidRequestError(`The PDF can't be read: ${reason.replace(/\.+$/, "")}.`, { param: "file" });
}
