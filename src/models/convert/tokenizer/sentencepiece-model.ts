import { unsupportedTokenizer } from "./vocabulary.ts";

/** The parts of SentencePiece's `ModelProto` that matter here (sentencepiece_model.proto). */
export interface SentencePieceModel {
  readonly pieces: readonly { readonly text: string; readonly score: number; readonly type: number }[];
  /** `TrainerSpec.model_type`: 1 is unigram, 2 is BPE. */
  readonly modelType: number;
  readonly addDummyPrefix: boolean;
}

interface Field {
  readonly number: number;
  /** A varint's or 32-bit float's value. */
  readonly value: number;
  /** A length-delimited field's bytes. */
  readonly bytes: Buffer;
}

const maxPieces = 1 << 22;

/** @throws ModelError `unsupported_tokenizer` where the bytes are not such a message */
export function parseSentencePieceModel(bytes: Buffer): SentencePieceModel {
  const pieces: SentencePieceModel["pieces"][number][] = [];
  let modelType = 1;
  let addDummyPrefix = true;
  for (const field of fields(bytes)) {
    if (field.number === 1) {
      if (pieces.length >= maxPieces) unsupportedTokenizer("tokenizer.model has too many pieces");
      pieces.push(parsePiece(field.bytes));
    } else if (field.number === 2) {
      modelType = lastValue(field.bytes, 3) ?? modelType;
    } else if (field.number === 3) {
      addDummyPrefix = (lastValue(field.bytes, 3) ?? 1) !== 0;
    }
  }
  if (pieces.length === 0) unsupportedTokenizer("tokenizer.model has no pieces");
  return { pieces, modelType, addDummyPrefix };
}

function parsePiece(bytes: Buffer): SentencePieceModel["pieces"][number] {
  let text = "";
  let score = 0;
  let type = 1;
  for (const field of fields(bytes)) {
    if (field.number === 1) text = field.bytes.toString("utf8");
    else if (field.number === 2) score = field.value;
    else if (field.number === 3) type = field.value;
  }
  return { text, score, type };
}

function lastValue(message: Buffer, number: number): number | undefined {
  return [...fields(message)].findLast((field) => field.number === number)?.value;
}

/** The fields of a protocol-buffer message in order. */
function* fields(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = bytes[at++] ?? malformed();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    // Ten-byte varints are negative numbers, which no field read here has; their value is not needed.
    at++;
    return value;
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) malformed();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const empty = Buffer.alloc(0);
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint(), bytes: empty };
        break;
      case 1:
        take(8);
        break;
      case 2:
        yield { number, value: 0, bytes: take(varint()) };
        break;
      case 5:
        yield { number, value: take(4).readFloatLE(), bytes: empty };
        break;
      default:
        malformed();
    }
  }
}

function malformed(): never {
  unsupportedTokenizer("tokenizer.model is not a SentencePiece model (damaged? fetch it again)");
}
