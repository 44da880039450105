import {
  alignUp,
  defaultAlignment,
  type FixedType,
  ggufMagic,
  ggufVersion,
  type Metadata,
  type MetadataValue,
  maxTensorNameBytes,
  type Scalar,
  type ScalarType,
  scalarBytes,
  type TensorInfo,
  tensorTypes,
  valueTypeIds,
} from "./types.ts";

/** Everything of a GGUF file that precedes tensor data, padded to where the data starts. */
export function encodeHeader(metadata: Metadata, tensors: readonly TensorInfo[]): Buffer {
  const parts = [uint32(ggufMagic), uint32(ggufVersion), uint64(tensors.length), uint64(metadata.size)];
  for (const [key, value] of metadata) parts.push(encodeScalars("string", [key]), encodeValue(value));
  for (const tensor of tensors) {
    if (Buffer.byteLength(tensor.name) > maxTensorNameBytes) {
      throw new RangeError(`the tensor name ${tensor.name} is longer than ${maxTensorNameBytes} bytes`);
    }
    parts.push(encodeScalars("string", [tensor.name]), uint32(tensor.dimensions.length));
    for (const size of tensor.dimensions) parts.push(uint64(size));
    parts.push(uint32(tensorTypes[tensor.type].id), uint64(tensor.offset));
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  parts.push(Buffer.alloc(alignUp(length, defaultAlignment) - length));
  return Buffer.concat(parts);
}

function encodeValue(entry: MetadataValue): Buffer {
  if (entry.type !== "array") {
    return Buffer.concat([uint32(valueTypeIds[entry.type]), encodeScalars(entry.type, [entry.value])]);
  }
  return Buffer.concat([
    uint32(valueTypeIds.array),
    uint32(valueTypeIds[entry.of]),
    uint64(entry.value.length),
    encodeScalars(entry.of, entry.value),
  ]);
}

/** One buffer for all of them: vocabularies have hundreds of thousands of elements. */
function encodeScalars(type: ScalarType, values: readonly Scalar[]): Buffer {
  if (type === "string") return encodeStrings(values.map(String));
  const buffer = Buffer.allocUnsafe(values.length * scalarBytes[type]);
  let at = 0;
  for (const value of values) at = writeScalar(buffer, at, type, value);
  return buffer;
}

function encodeStrings(values: readonly string[]): Buffer {
  const buffer = Buffer.allocUnsafe(values.reduce((sum, value) => sum + 8 + Buffer.byteLength(value), 0));
  let at = 0;
  for (const value of values) {
    const length = buffer.write(value, at + 8);
    buffer.writeBigUInt64LE(BigInt(length), at);
    at += 8 + length;
  }
  return buffer;
}

/** @returns where the next value goes */
function writeScalar(buffer: Buffer, at: number, type: FixedType, value: Scalar): number {
  switch (type) {
    case "uint8":
      return buffer.writeUInt8(Number(value), at);
    case "int8":
      return buffer.writeInt8(Number(value), at);
    case "bool":
      return buffer.writeUInt8(value ? 1 : 0, at);
    case "uint16":
      return buffer.writeUInt16LE(Number(value), at);
    case "int16":
      return buffer.writeInt16LE(Number(value), at);
    case "uint32":
      return buffer.writeUInt32LE(Number(value), at);
    case "int32":
      return buffer.writeInt32LE(Number(value), at);
    case "float32":
      return buffer.writeFloatLE(Number(value), at);
    case "uint64":
      return buffer.writeBigUInt64LE(BigInt(value), at);
    case "int64":
      return buffer.writeBigInt64LE(BigInt(value), at);
    case "float64":
      return buffer.writeDoubleLE(Number(value), at);
    default:
      return type satisfies never;
  }
}

function uint32(value: number): Buffer {
  return encodeScalars("uint32", [value]);
}

function uint64(value: number): Buffer {
  return encodeScalars("uint64", [value]);
}
