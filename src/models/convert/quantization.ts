import { ModelError } from "../errors.ts";
import { type TensorType, tensorTypes } from "../gguf/types.ts";

/** The number formats a conversion can write, with `enum llama_ftype` for `general.file_type`. */
const fileTypes = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 } as const;

export type Quantization = keyof typeof fileTypes;
export const quantizations = Object.keys(fileTypes) as readonly Quantization[];
/** Half the size of F16 at no loss that shows in answers. */
export const defaultQuantization: Quantization = "Q8_0";

export function fileTypeOf(quantization: Quantization): number {
  return fileTypes[quantization];
}

export function isQuantization(name: string): name is Quantization {
  return Object.hasOwn(fileTypes, name);
}

/** @throws ModelError `unsupported_quantization` */
export function parseQuantization(name: string): Quantization {
  const upper = name.toUpperCase();
  if (isQuantization(upper)) return upper;
  throw new ModelError(
    "unsupported_quantization",
    `Checkpoints can't be converted to ${name}; choose one of ${quantizations.join(", ")} (MODEL_QUANT)`,
  );
}

/** The tables that turn tokens into vectors and back: the most sensitive weights of a small model. */
const tokenTables = new Set(["token_embd.weight", "output.weight"]);

/**
 * The type of one tensor in a file of the given quantization. Vectors (norms, biases), position tables, short
 * convolutions and the routers of experts stay F32: they are tiny, the engine computes with them in F32, and a router
 * decides by small differences. Rows that are not whole blocks become F16.
 */
export function tensorTypeFor(
  name: string,
  dimensions: readonly number[],
  quantization: Quantization,
): TensorType {
  if (dimensions.length < 2 || /^position_embd|(ffn_gate_inp|shortconv\.conv)\.weight$/.test(name))
    return "F32";
  const wanted = quantization === "Q4_0" && tokenTables.has(name) ? "Q8_0" : quantization;
  return (dimensions[0] ?? 1) % tensorTypes[wanted].blockElements === 0 ? wanted : "F16";
}
