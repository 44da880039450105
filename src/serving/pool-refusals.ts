/** What requests are answered whose model can't be had. */
import { ApiError, UnavailableError } from "../errors.ts";

export function shuttingDown(): UnavailableError {
  return new UnavailableError("draining", "The server is shutting down.", { retryAfterSeconds: 5 });
}

/** Its turn did not come within `maxWaitMs`. */
export function busy(name: string, loaded: readonly string[], maxWaitMs: number): UnavailableError {
  return new UnavailableError(
    "model_busy",
    `The model ${name} can't be loaded now: the memory is in use by ${loaded.join(", ") || "others"}.`,
    { retryAfterSeconds: Math.max(1, Math.ceil(maxWaitMs / 1000)), details: { loaded } },
  );
}

export function notLoaded(name: string, loaded: readonly string[]): ApiError {
  return new ApiError(
    "conflict",
    `The model ${name} is not loaded, and its configuration does not let it take another model's place. Loaded: ${loaded.join(", ")}.`,
    { param: "model", details: { reason: "model_not_loaded", loaded } },
  );
}

/** Loading failed; it is tried again in `retryMs`. */
export function unavailable(message: string, retryMs: number): UnavailableError {
  return new UnavailableError("model_unavailable", message, {
    retryAfterSeconds: Math.max(1, Math.ceil(retryMs / 1000)),
  });
}

export function changing(name: string, state: string): ApiError {
  return new ApiError("conflict", `The model ${name} is ${state}.`);
}
