import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { deflateSync } from "node:zlib";
import { InvalidRequestError } from "../../../src/errors.ts";
import { pdfLimits, readPdf } from "../../../src/features/datasets/formats/pdf.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const MIB = 2 ** 20;

/** A PDF of pages that share one stream: `blanks` bytes of nothing and a word, packed twice. */
async function pdf(context: TestContext, { pages = 1, blanks = 0 } = {}): Promise<string> {
  const content = Buffer.concat([
    Buffer.alloc(blanks, " "),
    Buffer.from("BT /F1 12 Tf 50 700 Td (word) Tj ET\n"),
  ]);
  const packed = deflateSync(deflateSync(content));
  const kids = Array.from({ length: pages }, (_, index) => `${5 + index} 0 R`);
  const page =
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> >>";
  const objects = [
    Buffer.from("<< /Type /Catalog /Pages 2 0 R >>"),
    Buffer.from(`<< /Type /Pages /Kids [${kids.join(" ")}] /Count ${pages} >>`),
    Buffer.from("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
    Buffer.concat([
      Buffer.from(`<< /Length ${packed.length} /Filter [/FlateDecode /FlateDecode] >>\nstream\n`),
      packed,
      Buffer.from("\nendstream"),
    ]),
    ...kids.map(() => Buffer.from(page)),
  ];
  let file = Buffer.from("%PDF-1.7\n");
  const places: number[] = [];
  for (const [index, object] of objects.entries()) {
    places.push(file.length);
    file = Buffer.concat([file, Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from("\nendobj\n")]);
  }
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  const end = `xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  const path = join(await temporaryDirectory(context), "file.pdf");
  await writeFile(path, Buffer.concat([file, Buffer.from(end)]));
  return path;
}

async function texts(path: string, limits = {}, signal = new AbortController().signal): Promise<string[]> {
  const found: string[] = [];
  for await (const record of readPdf(path, "file.pdf", signal, { ...pdfLimits, ...limits }))
    if (record.type === "value") found.push((record.value as { text: string }).text);
  return found;
}

const refusedAs = (message: RegExp) => (error: unknown) =>
  error instanceof InvalidRequestError && message.test(error.message);

test("a PDF is a record per page, within limits of pages, characters and time", async (t) => {
  const path = await pdf(t, { pages: 3 });
  assert.deepEqual(await texts(path), ["word", "word", "word"]);
  await assert.rejects(texts(path, { pages: 2 }), refusedAs(/more than 2 pages/));
  await assert.rejects(texts(path, { characters: 10 }), refusedAs(/too much text/));
  await assert.rejects(texts(path, { timeoutMs: 1 }), refusedAs(/longer than 0\.001 s/));
});

test("a small file that unpacks to much memory is refused", async (t) => {
  const path = await pdf(t, { blanks: 128 * MIB });
  await assert.rejects(texts(path, { memoryBytes: 48 * MIB }), refusedAs(/more than 48 MiB of memory/));
});

test("a PDF is not read on, nor begun, for a client that has left", async (t) => {
  const path = await pdf(t, { blanks: 64 * MIB });
  const leaving = new AbortController();
  const [first, second] = [texts(path, {}, leaving.signal), texts(path, {}, leaving.signal)];
  leaving.abort();
  await assert.rejects(first, { name: "AbortError" });
  await assert.rejects(second, { name: "AbortError" });
  assert.deepEqual(await texts(await pdf(t)), ["word"]);
});
