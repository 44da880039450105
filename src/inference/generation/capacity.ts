import { ALLOTMENT_TOKENS, allottedTokens } from "../llama/context-options.ts";
import { LlamaError } from "../llama/errors.ts";
import { formatMemory } from "../process/memory-fit.ts";

/** Upper bound of the automatic choice; more sequences would only divide the same memory and time. */
const MAX_AUTOMATIC_SEQUENCES = 64;
/** Share of free memory that the automatic budget takes, and its ceiling. */
const AUTOMATIC_SHARE = 0.25;
const AUTOMATIC_CEILING = 8 * 2 ** 30;

export interface CapacityInputs {
  /** Tokens the model was trained for. */
  readonly trainingContext: number;
  readonly bytesPerToken: number;
  /** Beside its tokens', of states. */
  readonly bytesPerSequence: number;
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
  const { trainingContext, bytesPerToken, bytesPerSequence, availableMemory } = inputs;
  if (inputs.contextSize > trainingContext) {
    throw new LlamaError(
      "load_failed",
      `CONTEXT_SIZE=${inputs.contextSize} is more than the ${trainingContext} tokens that this model was trained for.`,
    );
  }
  const budget =
    inputs.kvCacheMemory || Math.min(AUTOMATIC_CEILING, Math.floor(availableMemory * AUTOMATIC_SHARE));
  // A memory of states alone takes as many tokens as the model does.
  const affordable =
    bytesPerToken === 0
      ? trainingContext
      : Math.max(0, Math.floor((budget - bytesPerSequence) / bytesPerToken));
  const contextPerSequence =
    inputs.contextSize || Math.min(trainingContext, affordable - (affordable % ALLOTMENT_TOKENS));
  const tokens = allottedTokens(contextPerSequence);
  const bytesOfOne = tokens * bytesPerToken + bytesPerSequence;
  const sequences = inputs.maxSequences || Math.min(MAX_AUTOMATIC_SEQUENCES, Math.floor(budget / bytesOfOne));
  const needed = Math.max(1, sequences) * bytesOfOne;
  if (![contextPerSequence, sequences, needed].every(Number.isSafeInteger)) {
    throw new Error(`no plan: ${contextPerSequence} tokens, ${sequences} sequences, ${needed} bytes`);
  }
  const arithmetic = explain(Math.max(1, sequences), tokens, bytesPerToken, bytesPerSequence);
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

function explain(sequences: number, tokens: number, bytesPerToken: number, bytesPerSequence: number): string {
  const ofTokens = `${tokens} tokens × ${formatMemory(bytesPerToken)} a token`;
  if (bytesPerSequence === 0) return `${sequences} sequences × ${ofTokens}`;
  const ofStates = `${formatMemory(bytesPerSequence)} of states`;
  return `${sequences} sequences × ${bytesPerToken === 0 ? ofStates : `(${ofTokens} + ${ofStates})`}`;
}
