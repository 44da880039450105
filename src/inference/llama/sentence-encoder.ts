import type { Llama } from "./bindings.ts";
import { LlamaError } from "./errors.ts";
import { F32, type Ggml, type GgmlContext, I32, loadGgml, type Tensor } from "./ggml.ts";
import {
  type Dense,
  type EncoderLayer,
  type Norm,
  placeWeights,
  type SentenceEncoderWeights,
} from "./sentence-encoder-weights.ts";

const NORM_EPSILON = 1e-6;
/** Bookkeeping of a graph of some 80 nodes, without any data. */
const GRAPH_BYTES = 4 * 2 ** 20;

/**
 * The Universal Sentence Encoder's transformer (Cer et al. 2018, arXiv:1803.11175) on ggml's kernels. Texts lie one
 * after the other in one row of tokens; the attention mask keeps them apart, so nothing is padded.
 */
export class SentenceEncoder {
  readonly #ggml: Ggml;
  readonly #weights: SentenceEncoderWeights<Tensor>;
  readonly #allocator: ReturnType<Ggml["ggml_gallocr_new"]>;

  /** @throws LlamaError `out_of_memory` */
  constructor(llama: Llama, weights: SentenceEncoderWeights<Float32Array>) {
    this.#ggml = loadGgml(llama);
    this.#weights = placeWeights(this.#ggml, weights);
    const type = this.#ggml.ggml_backend_get_default_buffer_type(this.#ggml.backend);
    this.#allocator = this.#ggml.ggml_gallocr_new(type);
  }

  get dimensions(): number {
    return this.#weights.output.outputs;
  }

  setThreads(threads: number): void {
    this.#ggml.setThreads(threads);
  }

  /** Vectors of `texts`, each a list of token ids, before normalisation. @throws LlamaError `decode_failed` */
  encode(texts: readonly Int32Array[]): Float32Array[] {
    const ggml = this.#ggml;
    const context = ggml.ggml_init({ mem_size: GRAPH_BYTES, mem_buffer: null, no_alloc: true });
    try {
      const count = texts.reduce((sum, { length }) => sum + length, 0);
      const inputs = {
        ids: ggml.ggml_new_tensor_1d(context, I32, count),
        positions: ggml.ggml_new_tensor_2d(context, F32, this.#weights.width, count),
        mask: ggml.ggml_new_tensor_2d(context, F32, count, count),
        mean: ggml.ggml_new_tensor_2d(context, F32, count, texts.length),
      };
      for (const input of Object.values(inputs)) ggml.ggml_set_input(input);
      const output = this.#network(context, inputs, count);
      ggml.ggml_set_output(output);
      const graph = ggml.ggml_new_graph(context);
      ggml.ggml_build_forward_expand(graph, output);
      if (!ggml.ggml_gallocr_alloc_graph(this.#allocator, graph))
        throw new LlamaError("out_of_memory", `No memory to embed ${count} tokens at once.`);
      this.#set(inputs.ids, concatenate(texts, count));
      this.#set(inputs.positions, this.#positionSignals(texts, count));
      this.#set(inputs.mask, attentionMask(texts, count));
      this.#set(inputs.mean, meanWeights(texts, count));
      const status = ggml.ggml_backend_graph_compute(ggml.backend, graph);
      if (status !== 0)
        throw new LlamaError("decode_failed", `ggml_backend_graph_compute returned ${status}.`);
      const vectors = new Float32Array(texts.length * this.dimensions);
      ggml.ggml_backend_tensor_get(output, vectors, 0, vectors.byteLength);
      return texts.map((_, row) => vectors.slice(row * this.dimensions, (row + 1) * this.dimensions));
    } finally {
      ggml.ggml_free(context);
    }
  }

  #network(
    context: GgmlContext,
    inputs: { ids: Tensor; positions: Tensor; mask: Tensor; mean: Tensor },
    count: number,
  ): Tensor {
    const ggml = this.#ggml;
    const embedded = ggml.ggml_get_rows(context, this.#weights.embeddings, inputs.ids);
    // The graph adds the embedding to the embedding with its position: that is how it was trained.
    let hidden = ggml.ggml_add(context, ggml.ggml_scale(context, embedded, 2), inputs.positions);
    for (const layer of this.#weights.layers) {
      const attended = this.#attention(context, layer, hidden, inputs.mask, count);
      const residual = layer.residual === undefined ? hidden : this.#dense(context, layer.residual, hidden);
      const sum = ggml.ggml_add(context, attended, residual);
      const normalised = this.#norm(context, layer.feedForwardNorm, sum);
      const inner = ggml.ggml_relu(context, this.#dense(context, layer.feedForwardIn, normalised));
      hidden = ggml.ggml_add(context, this.#dense(context, layer.feedForwardOut, inner), sum);
    }
    const byToken = ggml.ggml_cont(context, ggml.ggml_transpose(context, hidden));
    const mean = ggml.ggml_mul_mat(context, byToken, inputs.mean);
    return ggml.ggml_tanh(context, this.#dense(context, this.#weights.output, mean));
  }

  #attention(
    context: GgmlContext,
    layer: EncoderLayer<Tensor>,
    hidden: Tensor,
    mask: Tensor,
    count: number,
  ): Tensor {
    const ggml = this.#ggml;
    const { heads } = this.#weights;
    const width = layer.qkv.inputs;
    const headWidth = width / heads;
    const qkv = this.#dense(context, layer.qkv, this.#norm(context, layer.attentionNorm, hidden));
    const part = (index: number) =>
      ggml.ggml_view_3d(
        context,
        qkv,
        headWidth,
        heads,
        count,
        headWidth * 4,
        3 * width * 4,
        index * width * 4,
      );
    const queries = ggml.ggml_permute(context, part(0), 0, 2, 1, 3);
    const keys = ggml.ggml_permute(context, part(1), 0, 2, 1, 3);
    const values = ggml.ggml_cont(context, ggml.ggml_permute(context, part(2), 1, 2, 0, 3));
    const scores = ggml.ggml_mul_mat(context, keys, queries);
    const weights = ggml.ggml_soft_max_ext(context, scores, mask, 1 / Math.sqrt(headWidth), 0);
    const mixed = ggml.ggml_permute(context, ggml.ggml_mul_mat(context, values, weights), 0, 2, 1, 3);
    return this.#dense(context, layer.attentionOutput, ggml.ggml_cont_2d(context, mixed, width, count));
  }

  #dense(context: GgmlContext, { kernel, bias }: Dense<Tensor>, input: Tensor): Tensor {
    const product = this.#ggml.ggml_mul_mat(context, kernel, input);
    return this.#ggml.ggml_add(context, product, bias);
  }

  #norm(context: GgmlContext, { scale, bias }: Norm<Tensor>, input: Tensor): Tensor {
    const normalised = this.#ggml.ggml_norm(context, input, NORM_EPSILON);
    const scaled = this.#ggml.ggml_mul(context, normalised, scale);
    return this.#ggml.ggml_add(context, scaled, bias);
  }

  #set(tensor: Tensor, data: Float32Array | Int32Array): void {
    this.#ggml.ggml_backend_tensor_set(tensor, data, 0, data.byteLength);
  }

  /** Sine and cosine of each token's place in its text; shape [count, width]. */
  #positionSignals(texts: readonly Int32Array[], count: number): Float32Array {
    const { timeScales, width } = this.#weights;
    const half = timeScales.length;
    const signals = new Float32Array(count * width);
    let row = 0;
    for (const { length } of texts) {
      for (let position = 0; position < length; position++, row++) {
        for (let i = 0; i < half; i++) {
          const angle = position * (timeScales[i] as number);
          signals[row * width + i] = Math.sin(angle);
          signals[row * width + half + i] = Math.cos(angle);
        }
      }
    }
    return signals;
  }
}

function concatenate(texts: readonly Int32Array[], count: number): Int32Array {
  const ids = new Int32Array(count);
  let offset = 0;
  for (const text of texts) {
    ids.set(text, offset);
    offset += text.length;
  }
  return ids;
}

/** 0 between tokens of one text, minus infinity between others; shape [count, count]. */
function attentionMask(texts: readonly Int32Array[], count: number): Float32Array {
  const mask = new Float32Array(count * count).fill(Number.NEGATIVE_INFINITY);
  let start = 0;
  for (const { length } of texts) {
    for (let row = start; row < start + length; row++)
      mask.fill(0, row * count + start, row * count + start + length);
    start += length;
  }
  return mask;
}

/** Row by row what each token adds to its text's mean; shape [texts, count]. */
function meanWeights(texts: readonly Int32Array[], count: number): Float32Array {
  const weights = new Float32Array(texts.length * count);
  let start = 0;
  for (const [row, { length }] of texts.entries()) {
    weights.fill(1 / length, row * count + start, row * count + start + length);
    start += length;
  }
  return weights;
}
