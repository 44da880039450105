import { LlamaError } from "./errors.ts";
import { F32, type Ggml, type Tensor } from "./ggml.ts";

/** Weights as they are read, `Float32Array`, or as they lie where the kernels want them, `Tensor`. */
export interface Dense<T> {
  /** [inputs, outputs], row by row. */
  readonly kernel: T;
  readonly bias: T;
  readonly inputs: number;
  readonly outputs: number;
}

export interface Norm<T> {
  readonly scale: T;
  readonly bias: T;
}

/** One transformer layer, normalised before attention and before the feed-forward part. */
export interface EncoderLayer<T> {
  readonly attentionNorm: Norm<T>;
  /** Queries, keys and values side by side. */
  readonly qkv: Dense<T>;
  readonly attentionOutput: Dense<T>;
  /** Widens the residual where the layer's output is wider than its input. */
  readonly residual: Dense<T> | undefined;
  readonly feedForwardNorm: Norm<T>;
  readonly feedForwardIn: Dense<T>;
  readonly feedForwardOut: Dense<T>;
}

export interface SentenceEncoderWeights<T> {
  /** [vocabulary, width] */
  readonly embeddings: T;
  readonly width: number;
  /** Inverse time scales of the sinusoidal positions: half the width. */
  readonly timeScales: Float32Array;
  /** Heads of every layer; a wider layer has wider heads. */
  readonly heads: number;
  readonly layers: ReadonlyArray<EncoderLayer<T>>;
  readonly output: Dense<T>;
}

/** Bookkeeping of the weights' tensors, without any data. */
const WEIGHT_TENSORS_BYTES = 2 ** 20;

/** Copies the weights to where the kernels want them. @throws LlamaError `out_of_memory` */
export function placeWeights(
  ggml: Ggml,
  weights: SentenceEncoderWeights<Float32Array>,
): SentenceEncoderWeights<Tensor> {
  const context = ggml.ggml_init({ mem_size: WEIGHT_TENSORS_BYTES, mem_buffer: null, no_alloc: true });
  const contents: Array<{ tensor: Tensor; data: Float32Array }> = [];
  const place = (data: Float32Array, inner = data.length): Tensor => {
    const tensor = ggml.ggml_new_tensor_2d(context, F32, inner, data.length / inner);
    contents.push({ tensor, data });
    return tensor;
  };
  const dense = ({ kernel, bias, inputs, outputs }: Dense<Float32Array>): Dense<Tensor> => ({
    // The kernels multiply along the first dimension of both sides.
    kernel: place(transpose(kernel, inputs, outputs), inputs),
    bias: place(bias),
    inputs,
    outputs,
  });
  const norm = ({ scale, bias }: Norm<Float32Array>) => ({ scale: place(scale), bias: place(bias) });
  const placed = {
    ...weights,
    embeddings: place(weights.embeddings, weights.width),
    layers: weights.layers.map((layer) => ({
      attentionNorm: norm(layer.attentionNorm),
      qkv: dense(layer.qkv),
      attentionOutput: dense(layer.attentionOutput),
      residual: layer.residual && dense(layer.residual),
      feedForwardNorm: norm(layer.feedForwardNorm),
      feedForwardIn: dense(layer.feedForwardIn),
      feedForwardOut: dense(layer.feedForwardOut),
    })),
    output: dense(weights.output),
  };
  if (ggml.ggml_backend_alloc_ctx_tensors(context, ggml.backend) === null)
    throw new LlamaError("out_of_memory", "No memory for the sentence encoder's weights.");
  for (const { tensor, data } of contents) ggml.ggml_backend_tensor_set(tensor, data, 0, data.byteLength);
  return placed;
}

function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = matrix[row * columns + column] as number;
  return result;
}
