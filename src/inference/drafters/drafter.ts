/** Guesses tokens. Being wrong costs time and never an answer. Called between steps, on the engine's thread. */
export interface Drafter {
  /** At most `limit` tokens that may follow `tokens` and then `last`; none where there is no good guess. */
  draft(tokens: readonly number[], last: number, limit: number): readonly number[];
}
