/** How thoughts are recognised in an answer, and how long they may be. */
export interface Thoughts {
  /** What opens them, at the beginning of an answer. */
  readonly open: string;
  readonly close: string;
  /** The prompt ends within a thought. */
  readonly areOpen: boolean;
  /** Tokens after which they are ended; as many as the model likes when left out. */
  readonly budgetTokens?: number;
  /** What ends them when the budget is spent; holds `close`. */
  readonly ending: string;
}
