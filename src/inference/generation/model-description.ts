import type { Llama } from "../llama/bindings.ts";
import { LLAMA_RELEASE, packageVersion } from "../llama/library.ts";
import type { LlamaModel } from "../llama/model.ts";
import { librariesDigest } from "./library-digest.ts";
import { modelBytes, weightsDigest } from "./model-file.ts";
import type { LoadedModel } from "./protocol.ts";

/** What the engine process decided about a model, beside what the model's file says. */
type Placement = Pick<
  LoadedModel,
  | "adapter"
  | "contextWindow"
  | "device"
  | "kvCacheType"
  | "kvCacheBytesPerToken"
  | "stateBytesPerSequence"
  | "sequences"
  | "kvLayout"
  | "flashAttention"
  | "threads"
  | "loadMs"
>;

/** Facts of a loaded model, as the server shows and uses them. */
export function describeModel(llama: Llama, model: LlamaModel, placement: Placement): LoadedModel {
  const { vocabulary } = model;
  const specialText = (token: number | undefined) =>
    token === undefined ? "" : vocabulary.specialText(token);
  const packaged = packageVersion(llama.libraries);
  return {
    ...placement,
    path: model.path,
    architecture: model.architecture,
    layers: model.layers,
    attentionHeads: model.heads,
    kvHeads: model.kvHeads,
    hiddenSize: model.hiddenSize,
    vocabularySize: vocabulary.size,
    parameters: model.parameters,
    quantization: model.quantization,
    fileSizeBytes: modelBytes(model.path),
    trainingContext: model.trainingContext,
    chatTemplate: model.chatTemplate,
    toolTemplate: model.toolTemplate,
    bosText: specialText(vocabulary.bos),
    eosText: specialText(vocabulary.eos),
    weights: weightsDigest(model.path),
    specialTexts: vocabulary.specialTexts(),
    libraries: librariesDigest(llama.libraries),
    engineVersion: `llama.cpp ${LLAMA_RELEASE}${packaged === undefined ? "" : ` (npm ${packaged})`}`,
  };
}
