/** How good a response is by one measure. */
export interface MetricResult {
  /** 0 (nothing right) to 1 (all right). */
  readonly value: number;
  /** What the value was made of: `precision`, `recall`, the numbers compared, why it is 0. */
  readonly details: Readonly<Record<string, unknown>>;
}
