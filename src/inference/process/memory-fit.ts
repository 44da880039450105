import { LlamaError } from "../llama/errors.ts";

/**
 * Refuses weights that memory can't hold: they would be read from disk again for every token.
 * @throws LlamaError `out_of_memory` with the numbers
 */
export function assertWeightsFit(fileBytes: number, availableMemory: number): void {
  if (fileBytes <= availableMemory) return;
  throw new LlamaError(
    "out_of_memory",
    `The model's weights take ${formatMemory(fileBytes)}, and ${formatMemory(availableMemory)} of memory is available. ` +
      "Choose a smaller model or quantization.",
  );
}

export function formatMemory(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const exponent = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * exponent);
  return `${value.toFixed(exponent === 0 || value >= 100 ? 0 : 1)} ${units[exponent]}`;
}
