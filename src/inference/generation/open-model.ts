import type { Clock } from "../../platform/clock.ts";
import type { DraftModel } from "../drafters/draft-model.ts";
import type { KvLayoutChoice, KvLayoutSetting } from "../kv-layout.ts";
import { applyAdapter } from "../llama/adapter.ts";
import { type Llama, type LogLine, loadLlama } from "../llama/bindings.ts";
import { LlamaContext } from "../llama/context.ts";
import { allottedTokens } from "../llama/context-options.ts";
import { measureMemory } from "../llama/memory-cost.ts";
import { LlamaModel } from "../llama/model.ts";
import { loadProblem } from "../llama/native-library.ts";
import { assertServable, canShareBuffer, mostSequences } from "../llama/servable.ts";
import { CHECKPOINTS_PER_SEQUENCE } from "../llama/state-checkpoints.ts";
import { placement } from "../machine/cpu-affinity.ts";
import { computeThreads } from "../machine/cpu-limit.ts";
import { availableMemory } from "../machine/memory.ts";
import { assertWeightsFit } from "../process/memory-fit.ts";
import { stepRoom } from "../scheduler/step-room.ts";
import { chooseAttention, MOST_SCORE_BYTES, scoreBytes } from "./attention-choice.ts";
import { planCapacity } from "./capacity.ts";
import { describeModel } from "./model-description.ts";
import { modelBytes, weightsDigest } from "./model-file.ts";
import { loadDraftModel, openDraftModel } from "./open-draft.ts";
import type { EngineOptions, LoadedModel } from "./protocol.ts";

export interface LoadReports {
  readonly onProgress: (fraction: number) => void;
  readonly onLog: (line: LogLine) => void;
}

/** A model and a context for it, as large as the machine has memory for. */
export interface OpenModel {
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  /** Undefined without a model to guess. */
  readonly draft: OpenDraft | undefined;
  readonly description: LoadedModel;
  /** The arithmetic of the context's size, for the log. */
  readonly capacity: string;
  /** Bytes of host memory that are left. */
  readonly memoryLeft: number;
  /** Whether the layout of the KV cache is to follow the traffic. */
  readonly isLayoutFollowing: boolean;
}

/** The model that guesses, and its weights. */
interface OpenDraft {
  readonly guesses: DraftModel;
  readonly model: LlamaModel;
}

/** Loads the model, or makes a context for the one that is `loaded`; synchronous. @throws LlamaError */
export function openModel(
  options: EngineOptions,
  clock: Clock,
  reports: LoadReports,
  loaded?: LlamaModel,
): OpenModel {
  const { onLog } = reports;
  const startedAt = clock();
  const llama = loadLlama(options.libraryDirectory);
  warnOfMissingAccelerator(llama, onLog);
  // An accelerator's memory is its own; what does not fit there fails when it is loaded.
  const isOffloaded = llama.llama_supports_gpu_offload() && options.gpuLayers !== 0;
  // Before loading: mapped weights are memory that the system still calls available, though every token needs them.
  const memory = availableMemory();
  const { modelPath: path, gpuLayers, adapter, kvCacheType, kvLayout } = options;
  const draftPath = options.speculation ? options.draftPath : undefined;
  if (!isOffloaded && loaded === undefined)
    assertWeightsFit(modelBytes(path) + (draftPath === undefined ? 0 : modelBytes(draftPath)), memory);
  const model = loaded ?? LlamaModel.load(llama, { path, gpuLayers, ...reports });
  assertServable(llama, model, options);
  const memoryCost = measureMemory(llama, model, {
    type: kvCacheType,
    layout: kvLayout === "shared" ? "shared" : "separate",
  });
  const draftModel =
    draftPath === undefined ? undefined : loadDraftModel(llama, model, { path: draftPath, gpuLayers, onLog });
  const draftCost = draftModel && measureMemory(llama, draftModel, { type: kvCacheType, layout: "separate" });
  const weightBytes = model.weightBytes + (draftModel?.weightBytes ?? 0);
  const capacity = planCapacity({
    trainingContext: model.trainingContext,
    bytesPerToken: memoryCost.bytesPerToken + (draftCost?.bytesPerToken ?? 0),
    // States that it can go back to lie beside the one that a sequence is in.
    bytesPerSequence: memoryCost.bytesPerSequence * (1 + CHECKPOINTS_PER_SEQUENCE),
    contextSize: options.contextSize,
    maxSequences: options.maxSequences || (mostSequences(model) ?? 0),
    kvCacheMemory: options.kvCacheMemory,
    availableMemory: isOffloaded ? memory : Math.max(0, memory - weightBytes),
    isOffloaded,
  });
  if (!isOffloaded && kvCacheType !== "f16") onLog({ level: "warn", text: slowFormat(kvCacheType) });
  const { sequences, contextPerSequence } = capacity;
  const threads = threadsOf(options, onLog);
  const memoryLeft = memory - weightBytes - (isOffloaded ? 0 : capacity.kvCacheBytes);
  const stepSize = stepRoom(sequences, options.batchSize);
  const scores = (contexts: number) =>
    scoreBytes(stepSize.batchSize, contexts * allottedTokens(contextPerSequence), model.heads);
  const flashAttention = chooseAttention({
    setting: options.flashAttention,
    headWidths: model.headWidths,
    kvCacheType,
    isOffloaded,
    hasAvx512: llama.llama_print_system_info().includes("AVX512 = 1"),
    scoreBytes: scores(kvLayout === "shared" ? sequences : 1),
  });
  const { isFollowing, ...layout } = firstLayout(options, model, {
    isOffloaded,
    hasRoom: memoryLeft > capacity.kvCacheBytes,
    doScoresFit: flashAttention.isOn || scores(sequences) <= MOST_SCORE_BYTES,
  });
  const room = { sequences, contextPerSequence, threads, cpus: placement(threads), kvCacheType, onLog };
  const context = new LlamaContext(llama, model, {
    ...room,
    ...stepSize,
    kvLayout: layout.layout,
    isFlashAttention: flashAttention.isOn,
  });
  const guesses = draftModel && openDraftModel(llama, draftModel, model, { ...room, clock });
  if (adapter !== undefined) applyAdapter(llama, model.handle, context.handle, adapter);
  const description = describeModel(llama, model, {
    adapter: adapter && `${weightsDigest(adapter.path)} × ${adapter.scale}`,
    device: isOffloaded ? "gpu" : "cpu",
    kvCacheType,
    contextWindow: contextPerSequence,
    kvCacheBytesPerToken: memoryCost.bytesPerToken,
    stateBytesPerSequence: memoryCost.bytesPerSequence,
    sequences,
    kvLayout: layout,
    flashAttention,
    threads,
    loadMs: clock() - startedAt,
  });
  return {
    llama,
    model,
    context,
    draft: guesses && { guesses, model: draftModel },
    description,
    capacity:
      `${capacity.explanation}; KV layout ${layout.layout}: ${layout.reason}; ` +
      `flash attention ${flashAttention.isOn ? "on" : "off"}: ${flashAttention.reason}` +
      (draftModel === undefined ? "" : `; drafts by ${draftModel.path}`),
    memoryLeft,
    isLayoutFollowing: isFollowing,
  };
}

/** ggml-cpu has its fast attention for f16 alone (ggml/src/ggml-cpu/ops.cpp, release v0.4.0). */
function slowFormat(type: string): string {
  return `KV_CACHE_TYPE=${type} saves memory, and costs time on a processor, more so with long contexts; f16 is the fastest.`;
}

/** The layout to begin with, and whether it follows the traffic from there. */
function firstLayout(
  { kvLayout, adapter }: { readonly kvLayout: KvLayoutSetting; readonly adapter?: unknown },
  model: LlamaModel,
  {
    isOffloaded,
    hasRoom,
    doScoresFit,
  }: { readonly isOffloaded: boolean; readonly hasRoom: boolean; readonly doScoresFit: boolean },
): KvLayoutChoice & { readonly isFollowing: boolean } {
  if (kvLayout !== "auto") return { layout: kvLayout, reason: "KV_LAYOUT says so", isFollowing: false };
  const obstacle = [
    { isThere: adapter !== undefined, reason: "an adapter is bound to the context it was applied to" },
    { isThere: isOffloaded, reason: "on an accelerator the other one has not been measured" },
    { isThere: model.keepsState || model.slidingWindow > 0, reason: "what such layers keep can't be moved" },
    { isThere: !hasRoom, reason: "memory has no room for both while one takes the other's place" },
    { isThere: !doScoresFit, reason: "without flash attention a shared one would take too much memory" },
    { isThere: !canShareBuffer(model), reason: "llama.cpp answers wrongly in the other one" },
  ].find(({ isThere }) => isThere);
  const reason = obstacle?.reason ?? "requests have little in common so far";
  return { layout: "separate", reason, isFollowing: obstacle === undefined };
}

function threadsOf(options: EngineOptions, onLog: LoadReports["onLog"]): number {
  const threads = computeThreads(options.threads);
  if (threads < options.threads)
    onLog({
      level: "warn",
      text: `THREADS=${options.threads} is more than the ${threads} processors here`,
    });
  return threads;
}

/** An installed GPU build without the GPU's own libraries computes on the processor, which must not go unsaid. */
function warnOfMissingAccelerator(llama: Llama, onLog: LoadReports["onLog"]): void {
  const { accelerator } = llama.libraries;
  if (accelerator === undefined || llama.llama_supports_gpu_offload()) return;
  const reason = loadProblem(accelerator) ?? "it found no device";
  onLog({ level: "warn", text: `The GPU is not used, the processor computes: ${reason}` });
}
