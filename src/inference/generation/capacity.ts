import { ALLOTMENT_TOKENS, allottedTokens } from "../llama/context.ts";
import { LlamaError } from "../llama/errors.ts";
import { formatMemory } from "../process/memory-fit.ts";

/** Sequences that the automatic choice stops at: more would only split the same memory and time. */
const MAX_AUTOMATIC_SEQUENCES = 64;
/** Share of free memory that the automatic budget takes, and its ceiling. */
const AUTOMATIC_SHARE = 0.25;
const AUTOMATIC_CEILING = 8 * 2 ** 30;

export interface CapacityInputs {
  /** Tokens the model was trained for. */
  readonly trainingContext: number;
  readonly kvBytesPerToken: number;
  /** 0: choose. */
  readonly contextSize: number;
  /** 0: choose. */
  readonly maxSequences: number;
  /** Bytes; 0: choose from `availableMemory`. */
  readonly kvCacheMemory: number;
  /** Bytes that this process can still take beside the weights. */
  readonly availableMemory: number;
  /** The cache is in an accelerator's memory, which `availableMemory` says nothing about. */
  readonly isOffloaded: boolean;
}

export interface Capacity {
  readonly contextPerSequence: number;
  readonly sequences: number;
  /** Bytes. */
  readonly kvCacheBytes: number;
  /** The arithmetic, for the log. */
  readonly explanation: string;
}

/**
 * Divides the KV cache budget: context per sequence first, then as many sequences as fit.
 * @throws LlamaError `out_of_memory` with the numbers when what was asked for does not fit
 */
export function planCapacity(inputs: CapacityInputs): Capacity {
  const { trainingContext, kvBytesPerToken, availableMemory } = inputs;
  if (inputs.contextSize > trainingContext) {
    throw new LlamaError(
      "load_failed",
      `CONTEXT_SIZE=${inputs.contextSize} is more than the ${trainingContext} tokens that this model was trained for.`,
    );
  }
  const budget =
    inputs.kvCacheMemory || Math.min(AUTOMATIC_CEILING, Math.floor(availableMemory * AUTOMATIC_SHARE));
  const affordable = Math.floor(budget / kvBytesPerToken);
  const contextPerSequence =
    inputs.contextSize || Math.min(trainingContext, affordable - (affordable % ALLOTMENT_TOKENS));
  const tokens = allottedTokens(contextPerSequence);
  const sequences = inputs.maxSequences || Math.min(MAX_AUTOMATIC_SEQUENCES, Math.floor(affordable / tokens));
  const needed = Math.max(1, sequences) * tokens * kvBytesPerToken;
  const arithmetic = `${Math.max(1, sequences)} sequences × ${tokens} tokens × ${formatMemory(kvBytesPerToken)} a token`;
  const isOverBudget = sequences < 1 || contextPerSequence < 1 || needed > (inputs.kvCacheMemory || needed);
  const isOverMemory = !inputs.isOffloaded && needed > availableMemory;
  if (isOverBudget || isOverMemory) {
    const [limit, raise] = isOverMemory
      ? [`${formatMemory(availableMemory)} of memory is available beside the model`, ""]
      : [`the budget is ${formatMemory(budget)}`, "raise KV_CACHE_MEMORY, "];
    throw new LlamaError(
      "out_of_memory",
      `The KV cache does not fit: ${arithmetic} = ${formatMemory(needed)}, and ${limit}. ` +
        `Lower CONTEXT_SIZE or MAX_SEQUENCES, ${raise}or set KV_CACHE_TYPE=q8_0.`,
    );
  }
  return {
    contextPerSequence,
    sequences,
    kvCacheBytes: needed,
    explanation:
      `KV cache ${formatMemory(needed)} = ${arithmetic} (budget ${formatMemory(budget)}, ` +
      `${inputs.kvCacheMemory ? "from KV_CACHE_MEMORY" : `a quarter of ${formatMemory(availableMemory)} available`})`,
  };
}
