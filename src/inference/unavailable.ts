import { UnavailableError } from "../errors.ts";
import type { EngineState } from "./engine.ts";

/** Why an engine in `state` can't take a request, as the client is told. */
export function unavailable(state: EngineState): UnavailableError {
  switch (state.status) {
    case "preparing": {
      const details = { phase: state.phase, progress: state.progress };
      return new UnavailableError("loading_model", `The model is not ready yet (${state.phase}).`, {
        details,
      });
    }
    case "restarting":
      return new UnavailableError("engine_restarting", "The engine crashed and is being restarted.", {
        retryAfterSeconds: Math.ceil(state.delayMs / 1000) + 1,
      });
    case "failed":
      return new UnavailableError("model_unavailable", state.message, { retryAfterSeconds: 30 });
    case "draining":
    case "stopped":
      return new UnavailableError("draining", "The server is shutting down.", { retryAfterSeconds: 5 });
    case "unloaded":
      return new UnavailableError("loading_model", "The model is not loaded yet.");
    case "ready":
      return new UnavailableError("model_unavailable", "The model is not available.");
  }
}
