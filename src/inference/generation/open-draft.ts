import type { Clock } from "../../platform/clock.ts";
import { DraftModel } from "../drafters/draft-model.ts";
import type { Llama, LogLine } from "../llama/bindings.ts";
import { LlamaContext } from "../llama/context.ts";
import type { ContextOptions } from "../llama/context-options.ts";
import { LlamaError } from "../llama/errors.ts";
import { LlamaModel } from "../llama/model.ts";
import { assertServable } from "../llama/servable.ts";
import type { Vocabulary } from "../llama/vocabulary.ts";

/** Entries that one vocabulary may have more than the other: makers pad them (llama.cpp's common/speculative.cpp). */
const MOST_PADDING = 128;
/** Tokens that one decode of the draft model takes: a step waits for it. */
const BATCH_TOKENS = 256;

/**
 * Loads the model that is to guess for `model`.
 * @throws LlamaError where it can't: other vocabulary, or a memory that a wrong guess can't be cut from
 */
export function loadDraftModel(
  llama: Llama,
  model: LlamaModel,
  options: { readonly path: string; readonly gpuLayers: number; readonly onLog: (line: LogLine) => void },
): LlamaModel {
  const { path } = options;
  const refuse = (reason: string) => new LlamaError("load_failed", `DRAFT_MODEL ${path}: ${reason}`);
  if (model.keepsState)
    throw refuse(`${model.path} (${model.architecture}) keeps a state that no wrong guess can be cut from.`);
  const draft = LlamaModel.load(llama, options);
  try {
    assertServable(llama, draft, { kvLayout: "separate", maxSequences: 0 });
    if (draft.keepsState)
      throw refuse(`${draft.architecture} keeps a state that no wrong guess can be cut from.`);
    const difference = firstDifference(model.vocabulary, draft.vocabulary);
    if (difference !== undefined)
      throw refuse(`its vocabulary is not that of ${model.path}: ${difference}. Both must be of one family.`);
    return draft;
  } catch (error) {
    draft.free();
    throw error;
  }
}

/** Gives the draft model a context beside the first model's: as many sequences, for as long texts as it was trained for. */
export function openDraftModel(
  llama: Llama,
  draft: LlamaModel,
  model: LlamaModel,
  options: Omit<ContextOptions, "batchSize" | "maxOutputs" | "kvLayout"> & { readonly clock: Clock },
): DraftModel {
  const context = new LlamaContext(llama, draft, {
    ...options,
    contextPerSequence: Math.min(options.contextPerSequence, draft.trainingContext),
    batchSize: BATCH_TOKENS,
    // llama.cpp makes room for one of each sequence, whatever is asked for.
    maxOutputs: options.sequences,
    kvLayout: "separate",
  });
  return new DraftModel(context, {
    vocabularySize: model.vocabulary.size,
    shareOfWeights: draft.weightBytes / model.weightBytes,
    clock: options.clock,
  });
}

function firstDifference(one: Vocabulary, other: Vocabulary): string | undefined {
  if (Math.abs(one.size - other.size) > MOST_PADDING) return `${other.size} tokens and not ${one.size}`;
  const shared = Math.min(one.size, other.size);
  for (let token = 0; token < shared; token++) {
    if (!one.piece(token).equals(other.piece(token))) return `token ${token} is another one`;
  }
  return undefined;
}
