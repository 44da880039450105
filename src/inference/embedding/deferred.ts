import { UnavailableError } from "../../errors.ts";
import type { EmbeddingStatus } from "../embedder.ts";
import type { RerankerStatus } from "../reranker.ts";

interface Served<Status> {
  readonly status: Status;
  close(timeoutMs: number): Promise<void>;
}

/** The place of a model that is still being found, downloaded or loaded: everything is passed on once it is there. */
export abstract class Deferred<Model extends Served<Status>, Status extends RerankerStatus> {
  #model: Model | undefined;
  #status: Status | EmbeddingStatus;

  constructor(status: Status) {
    this.#status = status;
  }

  loading(): void {
    this.#status = { state: "loading" };
  }

  /** From now on `model` answers. */
  become(model: Model): void {
    this.#model = model;
  }

  failed(message: string): void {
    this.#status = { state: "failed", message };
  }

  get status(): Status | EmbeddingStatus {
    return this.#model?.status ?? this.#status;
  }

  async close(timeoutMs: number): Promise<void> {
    await this.#model?.close(timeoutMs);
  }

  /** The model. @throws ApiError that says why there is none */
  protected get required(): Model {
    if (this.#model !== undefined) return this.#model;
    throw this.refusal(this.#status);
  }

  protected abstract refusal(status: Status | EmbeddingStatus): Error;
}

/** Why a model that is not there can't be used, as the client is told. */
export function notReady(status: RerankerStatus, what: string): UnavailableError {
  if (status.state === "failed" && "message" in status) {
    return new UnavailableError("model_unavailable", `The ${what} can't be served: ${status.message}`, {
      retryAfterSeconds: 30,
    });
  }
  return new UnavailableError("loading_model", `The ${what} is not ready yet.`);
}
