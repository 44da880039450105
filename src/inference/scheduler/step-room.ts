/** Rows beyond one per sequence that a step may ask logits of. */
const EXTRA_OUTPUTS = 64;

/** What one decode of a context takes: rows, and those of them that may ask for logits. */
export function stepRoom(sequences: number, batchSize: number): { batchSize: number; maxOutputs: number } {
  const maxOutputs = sequences + EXTRA_OUTPUTS;
  return { batchSize: Math.max(batchSize, maxOutputs), maxOutputs };
}
