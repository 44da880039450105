/** The thread that a PDF is read on: what a hostile file makes it use is taken back by ending it. */
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { getDocumentProxy } from "unpdf";
import { giveWay } from "../../../platform/niceness.ts";

export type FromPdf =
  | { readonly type: "pages"; readonly count: number }
  | { readonly type: "page"; readonly number: number; readonly text: string }
  | { readonly type: "failed"; readonly message: string };

const { path } = workerData as { readonly path: string };
const send = (message: FromPdf) => parentPort?.postMessage(message);

giveWay({ isLong: true });
try {
  const document = await getDocumentProxy(new Uint8Array(readFileSync(path)));
  send({ type: "pages", count: document.numPages });
  for (let number = 1; number <= document.numPages; number++) {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    const text = items
      .map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : "") : ""))
      .join("")
      .trim();
    send({ type: "page", number, text });
    page.cleanup();
  }
} catch (error) {
  send({ type: "failed", message: (error as Error).message });
}
