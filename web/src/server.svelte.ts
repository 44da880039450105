import { ApiFailure, call, Unreachable } from "./api/client.ts";
import { poll } from "./poll.ts";

/** Facts of the loaded model, as `GET /model` has them. */
export interface ModelFacts {
  readonly model_name: string;
  readonly device: string;
  readonly context_window: number;
  readonly architecture: string;
  readonly layers: number;
  readonly attention_heads: number;
  readonly kv_heads: number;
  readonly hidden_size: number;
  readonly vocab_size: number;
  readonly parameters: number;
  readonly quantization: string;
  readonly file_size_bytes: number;
  readonly kv_cache_bytes_per_token: number;
  readonly source: string;
  readonly sequences: number;
  readonly threads: number;
  readonly engine: string;
  readonly chat_template: boolean;
}

interface NotReady {
  readonly reason: string;
  readonly phase?: string;
  readonly progress?: number;
  readonly message?: string;
}

export type ServerState =
  | { readonly name: "unknown" | "ready" | "unreachable" }
  | ({ readonly name: "not_ready" } & NotReady);

const INTERVAL_MS = 3_000;

/** Whether the server is there and what it serves, watched while the page is visible. */
class Server {
  state = $state.raw<ServerState>({ name: "unknown" });
  model = $state.raw<ModelFacts | null>(null);

  watch(): () => void {
    return poll(async (signal) => {
      try {
        const response = await fetch("/readyz", { signal });
        const body = (await response.json()) as NotReady;
        const wasReady = this.state.name === "ready";
        this.state = response.ok ? { name: "ready" } : { name: "not_ready", ...body };
        if (response.ok && (!wasReady || this.model === null))
          this.model = await call<ModelFacts>("/model", { signal });
      } catch (error) {
        if (signal.aborted || error instanceof ApiFailure) return;
        if (!(error instanceof TypeError || error instanceof Unreachable)) throw error;
        this.state = { name: "unreachable" };
      }
    }, INTERVAL_MS);
  }
}

export const server = new Server();
