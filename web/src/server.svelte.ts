import { ApiFailure, call, Unreachable } from "./api/client.ts";
import { stream } from "./api/live.svelte.ts";
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

/** As `/readyz` has it. */
type Readiness = NotReady & { readonly status: "ready" | "not_ready" };

const INTERVAL_MS = 3_000;

/** Whether the server is there and what it serves, watched while the page is visible. */
class Server {
  state = $state.raw<ServerState>({ name: "unknown" });
  model = $state.raw<ModelFacts | null>(null);

  /** Asks whether it is there, while no stream tells: before anyone is signed in, and while it is away. */
  watch(): () => void {
    return poll(async (signal) => {
      if (stream.isOpen) return;
      try {
        const response = await fetch("/readyz", { signal });
        await this.#learn((await response.json()) as Readiness);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof TypeError)) throw error;
        this.state = { name: "unreachable" };
      }
    }, INTERVAL_MS);
  }

  /** Is told when that changes; only for those who are signed in. */
  follow(): () => void {
    return stream.follow({
      topic: "server",
      intervalMs: INTERVAL_MS,
      take: (data) => this.#learn(data as Readiness),
    });
  }

  /** False where the model's facts could not be had. */
  async #learn({ status, ...rest }: Readiness): Promise<boolean> {
    const wasReady = this.state.name === "ready";
    // The same again is no change, which pages would act on.
    if (status !== "ready") this.state = { name: "not_ready", ...rest };
    else if (!wasReady) this.state = { name: "ready" };
    if (status !== "ready" || (wasReady && this.model !== null)) return true;
    try {
      this.model = await call<ModelFacts>("/model");
      return true;
    } catch (error) {
      if (!(error instanceof ApiFailure || error instanceof Unreachable)) throw error;
      return false;
    }
  }
}

export const server = new Server();
