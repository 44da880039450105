import koffi from "koffi";
import type { Llama } from "./bindings.ts";
import { LlamaError } from "./errors.ts";
import { openLibrary } from "./native-library.ts";
import type { Handle } from "./signatures.ts";

/*
 * The few functions of ggml (ggml/include/ggml.h, ggml-alloc.h, ggml-backend.h, release v0.4.0) that a network of our
 * own needs: llama.cpp's kernels without llama.cpp's architectures. The release itself is proven by `loadLlama`.
 */

export type GgmlContext = Handle<"ggml_context">;
export type Tensor = Handle<"ggml_tensor">;
export type Graph = Handle<"ggml_cgraph">;
export type Backend = Handle<"ggml_backend">;
type Allocator = Handle<"ggml_gallocr">;
type BufferType = Handle<"ggml_backend_buffer_type">;
type Device = Handle<"ggml_backend_device">;
type Registry = Handle<"ggml_backend_reg">;

/** `enum ggml_type` */
export const F32 = 0;
export const I32 = 26;

const P = "void *";
const InitParams = koffi.struct("ggml_init_params", {
  mem_size: "size_t",
  mem_buffer: P,
  no_alloc: "bool",
});
const SetThreads = koffi.proto("void ggml_backend_set_n_threads(void *backend, int threads)");

interface GgmlFunctions {
  ggml_init(params: { mem_size: number; mem_buffer: null; no_alloc: boolean }): GgmlContext;
  ggml_free(context: GgmlContext): void;
  ggml_new_tensor_1d(context: GgmlContext, type: number, ne0: number): Tensor;
  ggml_new_tensor_2d(context: GgmlContext, type: number, ne0: number, ne1: number): Tensor;
  ggml_set_input(tensor: Tensor): void;
  ggml_set_output(tensor: Tensor): void;
  ggml_get_rows(context: GgmlContext, table: Tensor, ids: Tensor): Tensor;
  ggml_add(context: GgmlContext, a: Tensor, b: Tensor): Tensor;
  ggml_mul(context: GgmlContext, a: Tensor, b: Tensor): Tensor;
  ggml_scale(context: GgmlContext, a: Tensor, factor: number): Tensor;
  ggml_norm(context: GgmlContext, a: Tensor, epsilon: number): Tensor;
  /** a [k, m] and b [k, n] make [m, n]; further dimensions are batches. */
  ggml_mul_mat(context: GgmlContext, a: Tensor, b: Tensor): Tensor;
  ggml_relu(context: GgmlContext, a: Tensor): Tensor;
  ggml_tanh(context: GgmlContext, a: Tensor): Tensor;
  ggml_soft_max_ext(context: GgmlContext, a: Tensor, mask: Tensor, scale: number, maxBias: number): Tensor;
  /** Strides and offset in bytes. */
  ggml_view_3d(
    context: GgmlContext,
    a: Tensor,
    ne0: number,
    ne1: number,
    ne2: number,
    nb1: number,
    nb2: number,
    offset: number,
  ): Tensor;
  /** Dimension i of `a` becomes dimension `axis_i`. */
  ggml_permute(
    context: GgmlContext,
    a: Tensor,
    axis0: number,
    axis1: number,
    axis2: number,
    axis3: number,
  ): Tensor;
  ggml_transpose(context: GgmlContext, a: Tensor): Tensor;
  ggml_cont(context: GgmlContext, a: Tensor): Tensor;
  ggml_cont_2d(context: GgmlContext, a: Tensor, ne0: number, ne1: number): Tensor;
  ggml_new_graph(context: GgmlContext): Graph;
  ggml_build_forward_expand(graph: Graph, tensor: Tensor): void;
  ggml_gallocr_new(type: BufferType): Allocator;
  ggml_gallocr_alloc_graph(allocator: Allocator, graph: Graph): boolean;
  ggml_backend_get_default_buffer_type(backend: Backend): BufferType;
  ggml_backend_alloc_ctx_tensors(context: GgmlContext, backend: Backend): Handle<"buffer"> | null;
  ggml_backend_tensor_set(tensor: Tensor, data: ArrayBufferView, offset: number, bytes: number): void;
  ggml_backend_tensor_get(tensor: Tensor, data: ArrayBufferView, offset: number, bytes: number): void;
  ggml_backend_graph_compute(backend: Backend, graph: Graph): number;
  ggml_backend_get_device(backend: Backend): Device;
  ggml_backend_dev_backend_reg(device: Device): Registry;
  ggml_backend_reg_get_proc_address(registry: Registry, name: string): bigint | null;
}

const signatures = {
  ggml_init: [P, [InitParams]],
  ggml_free: ["void", [P]],
  ggml_new_tensor_1d: [P, [P, "int32", "int64"]],
  ggml_new_tensor_2d: [P, [P, "int32", "int64", "int64"]],
  ggml_set_input: ["void", [P]],
  ggml_set_output: ["void", [P]],
  ggml_get_rows: [P, [P, P, P]],
  ggml_add: [P, [P, P, P]],
  ggml_mul: [P, [P, P, P]],
  ggml_scale: [P, [P, P, "float"]],
  ggml_norm: [P, [P, P, "float"]],
  ggml_mul_mat: [P, [P, P, P]],
  ggml_relu: [P, [P, P]],
  ggml_tanh: [P, [P, P]],
  ggml_soft_max_ext: [P, [P, P, P, "float", "float"]],
  ggml_view_3d: [P, [P, P, "int64", "int64", "int64", "size_t", "size_t", "size_t"]],
  ggml_permute: [P, [P, P, "int32", "int32", "int32", "int32"]],
  ggml_transpose: [P, [P, P]],
  ggml_cont: [P, [P, P]],
  ggml_cont_2d: [P, [P, P, "int64", "int64"]],
  ggml_new_graph: [P, [P]],
  ggml_build_forward_expand: ["void", [P, P]],
  ggml_gallocr_new: [P, [P]],
  ggml_gallocr_alloc_graph: ["bool", [P, P]],
  ggml_backend_get_default_buffer_type: [P, [P]],
  ggml_backend_alloc_ctx_tensors: [P, [P, P]],
  ggml_backend_tensor_set: ["void", [P, P, "size_t", "size_t"]],
  ggml_backend_tensor_get: ["void", [P, P, "size_t", "size_t"]],
  ggml_backend_graph_compute: ["int32", [P, P]],
  ggml_backend_get_device: [P, [P]],
  ggml_backend_dev_backend_reg: [P, [P]],
  ggml_backend_reg_get_proc_address: [P, [P, "str"]],
} as const;

/** ggml on the processor: build a graph, run it. */
export interface Ggml extends GgmlFunctions {
  readonly backend: Backend;
  setThreads(threads: number): void;
}

/** @throws LlamaError `library_mismatch` when a function or the processor's backend is missing */
export function loadGgml(llama: Llama): Ggml {
  const base = openLibrary(llama.libraries.files.base);
  const functions = Object.fromEntries(
    Object.entries(signatures).map(([name, [result, args]]) => [name, base.func(name, result, [...args])]),
  ) as unknown as GgmlFunctions;
  const registry = openLibrary(llama.libraries.files.ggml);
  /** GGML_BACKEND_DEVICE_TYPE_CPU; its variant for this processor was picked when llama.cpp was loaded. */
  const backend = registry.func("ggml_backend_init_by_type", P, ["int32", P])(0, null) as Backend | null;
  if (backend === null) throw new LlamaError("library_mismatch", "ggml has no backend for this processor.");
  return { ...functions, backend, setThreads: threadSetter(functions, backend) };
}

function threadSetter(ggml: GgmlFunctions, backend: Backend): (threads: number) => void {
  const device = ggml.ggml_backend_get_device(backend);
  const address = ggml.ggml_backend_reg_get_proc_address(
    ggml.ggml_backend_dev_backend_reg(device),
    "ggml_backend_set_n_threads",
  );
  if (address === null) throw new LlamaError("library_mismatch", "ggml can't set its number of threads.");
  const set = koffi.decode(address, SetThreads) as (backend: Backend, threads: number) => void;
  return (threads) => set(backend, threads);
}
