/** How far the preparation of a model is. */
export interface ModelProgress {
  /** `waiting`: another process fetches or converts the same model. */
  readonly phase: "waiting" | "downloading" | "verifying" | "converting";
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly file?: string | undefined;
}

export type ProgressListener = (progress: ModelProgress) => void;
