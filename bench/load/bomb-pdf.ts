import { deflateSync } from "node:zlib";

const UNPACKED_MIB = 600;

let made: Buffer | undefined;

/** A PDF of two kilobytes whose one page unpacks, twice over, to 600 MiB of blanks. */
export function bombPdf(): Uint8Array<ArrayBuffer> {
  made ??= makeBomb();
  return new Uint8Array(made);
}

function makeBomb(): Buffer {
  const text = Buffer.alloc(UNPACKED_MIB * 2 ** 20, " ");
  text.write("BT /F1 12 Tf 50 700 Td (x) Tj ET\n", text.length - 64);
  const packed = deflateSync(deflateSync(text, { level: 9 }), { level: 9 });
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [5 0 R] /Count 1 >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    Buffer.concat([
      Buffer.from(`<< /Length ${packed.length} /Filter [/FlateDecode /FlateDecode] >>\nstream\n`),
      packed,
      Buffer.from("\nendstream"),
    ]),
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
  ].map((object) => Buffer.from(object));
  let file = Buffer.from("%PDF-1.7\n");
  const offsets: number[] = [];
  for (const [index, object] of objects.entries()) {
    offsets.push(file.length);
    file = Buffer.concat([file, Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from("\nendobj\n")]);
  }
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  const xref = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`;
  return Buffer.concat([file, Buffer.from(xref + trailer)]);
}
