import koffi from "koffi";
import type { Llama } from "./bindings.ts";
import type { Tensor } from "./ggml.ts";
import { openLibrary } from "./native-library.ts";

/** What the queries of one decode gave to keys, in one layer; shape [heads, queries, keys], each row a distribution. */
export interface AttentionWeights {
  readonly layer: number;
  readonly heads: number;
  readonly queries: number;
  /** Places of the KV cache, in the order that they were filled in; those not yet visible have no weight. */
  readonly keys: number;
  readonly data: Float32Array;
}

const EvalCallback = koffi.proto("bool ggml_backend_sched_eval_callback(void *tensor, bool ask, void *data)");

/** llama.cpp's name of the result of a layer's softmax (llama-graph.cpp, `build_attn_mha`). */
const nodeName = /^kq_soft_max-(\d+)$/;
/** Of `ne`, the four dimensions, in `ggml_tensor` (ggml.h, release v0.4.0). */
const DIMENSIONS_OFFSET = 16;

/**
 * Reads attention while llama.cpp computes it. Its scheduler calls back from the thread that decodes, before each node (is
 * it wanted?) and after those that are: computing then goes node by node, which is for a process of its own.
 */
export class AttentionTap {
  readonly address: bigint;

  constructor(llama: Llama, onWeights: (weights: AttentionWeights) => void) {
    const base = openLibrary(llama.libraries.files.base);
    const nameOf = base.func("ggml_get_name", "str", ["void *"]) as (tensor: Tensor) => string;
    const elements = base.func("ggml_nelements", "int64", ["void *"]) as (tensor: Tensor) => number | bigint;
    const read = base.func("ggml_backend_tensor_get", "void", ["void *", "void *", "size_t", "size_t"]) as (
      tensor: Tensor,
      data: Float32Array,
      offset: number,
      bytes: number,
    ) => void;
    this.address = koffi.register((tensor: Tensor, isAsked: boolean) => {
      const layer = nodeName.exec(nameOf(tensor))?.[1];
      if (layer === undefined) return false;
      if (isAsked) return true;
      const dimensions = koffi.decode(tensor, DIMENSIONS_OFFSET, "int64", 4) as ReadonlyArray<
        number | bigint
      >;
      const [keys = 0, queries = 0, heads = 0] = [...dimensions].map(Number);
      // A shape that does not add up is not attention as it is read here.
      if (keys * queries * heads !== Number(elements(tensor))) return true;
      const data = new Float32Array(keys * queries * heads);
      read(tensor, data, 0, data.byteLength);
      onWeights({ layer: Number(layer), heads, queries, keys, data });
      return true;
    }, koffi.pointer(EvalCallback));
  }

  /** After the context that reads it is gone. */
  free(): void {
    koffi.unregister(this.address);
  }
}
