import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { loadQuantizer } from "../../inference/llama/quantize.ts";
import { requireFreeSpace } from "../disk-space.ts";
import { GgufWriter } from "../gguf/writer.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { writeTensors } from "./pipeline.ts";
import { describeModel, planTensors } from "./plan.ts";
import { defaultQuantization, type Quantization } from "./quantization.ts";

export interface ConvertOptions {
  readonly quantization?: Quantization | undefined;
  /** `general.name`; the directory's name unless given. */
  readonly name?: string | undefined;
  readonly libraryDirectory?: string | undefined;
  /** Bytes of weights read so far, and in all. */
  readonly onProgress?: ((bytesDone: number, bytesTotal: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Conversion {
  readonly path: string;
  readonly tensors: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/**
 * Converts the Hugging Face checkpoint in a directory (config.json, tokenizer files, safetensors) to a GGUF file.
 * The file appears under its name only when it is complete.
 * @throws ModelError saying what about the checkpoint is missing, malformed or unsupported
 */
export async function convertCheckpoint(
  directory: string,
  outputPath: string,
  options: ConvertOptions = {},
): Promise<Conversion> {
  const quantization = options.quantization ?? defaultQuantization;
  const checkpoint = openCheckpoint(directory);
  const description = describeModel(directory, checkpoint.config, {
    name: options.name ?? basename(directory),
    quantization,
  });
  const planned = planTensors(description, checkpoint.tensors, quantization);
  const bytesTotal = planned.reduce(
    (sum, { content }) =>
      sum +
      (content.kind === "stored"
        ? content.tensors.reduce((bytes, { byteLength }) => bytes + byteLength, 0)
        : 0),
    0,
  );
  const partial = `${outputPath}.${process.pid}.partial`;
  const writer = new GgufWriter(partial, description.metadata, planned);
  await requireFreeSpace(outputPath, writer.byteLength, "to convert the model");
  try {
    await writer.open();
    await writeTensors(writer, planned, {
      quantizer: loadQuantizer(options.libraryDirectory),
      onProgress: (bytesDone) => options.onProgress?.(bytesDone, bytesTotal),
      signal: options.signal,
    });
    await writer.close({ durable: true });
    await rename(partial, outputPath);
  } catch (error) {
    await writer.close();
    await rm(partial, { force: true });
    throw error;
  }
  return {
    path: outputPath,
    tensors: planned.length,
    bytesRead: bytesTotal,
    bytesWritten: writer.byteLength,
  };
}
