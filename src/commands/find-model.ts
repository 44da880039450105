import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { progressDisplay } from "../models/progress-bar.ts";
import { resolveModel } from "../models/resolve.ts";
import type { ResolvedModel } from "../models/resolved-model.ts";
import { resolveOptions } from "./resolve-options.ts";

interface Search {
  readonly log: Logger;
  readonly signal?: AbortSignal;
  /** Told of each phase, and how much of it is done: 0 to 1. */
  readonly onProgress?: (phase: string, progress: number) => void;
}

/**
 * Finds the model that `spec` names as `MODEL_NAME` does, downloading and converting it where needed, and shows how far
 * that is.
 * @throws ModelError that says what failed and what to try
 */
export async function findModel(
  spec: string | undefined,
  config: Config,
  { log, signal, onProgress }: Search,
): Promise<ResolvedModel> {
  const display = progressDisplay({ stream: process.stderr, log: (line) => log.info(line) });
  try {
    const model = await resolveModel(spec, {
      ...resolveOptions(config),
      signal,
      onProgress: (progress) => {
        display.onProgress(progress);
        const { phase, bytesDone, bytesTotal } = progress;
        onProgress?.(phase, bytesTotal > 0 ? bytesDone / bytesTotal : 0);
      },
    });
    if (model.notice !== undefined) log.warn(model.notice);
    return model;
  } finally {
    display.stop();
  }
}
