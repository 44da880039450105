import type { EngineState } from "../inference/engine.ts";

/** Why requests can't be served now. */
export function explainState(state: Exclude<EngineState, { status: "ready" }>) {
  switch (state.status) {
    case "unloaded":
      return { model_loaded: false, reason: "loading_model", phase: "resolving", progress: 0 };
    case "preparing":
      return { model_loaded: false, reason: "loading_model", phase: state.phase, progress: state.progress };
    case "restarting":
      return { model_loaded: false, reason: "engine_restarting" };
    case "failed":
      return { model_loaded: false, reason: "model_unavailable", message: state.message };
    case "draining":
    case "stopped":
      return { model_loaded: true, reason: "draining" };
  }
}
