import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Engine, ModelDescription } from "../../inference/engine.ts";
import type { Run } from "./run.ts";

/** How often to look whether the model has been loaded. */
const POLL_MS = 250;

/** Knows whether the served model is the one that a run was made for. */
export class ModelCheck {
  readonly #engine: Engine;
  #hash: { readonly model: ModelDescription; readonly sha256: Promise<string> } | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Waits for the model.
   * @returns why the run can't go on with it; undefined when it can. @throws whatever `signal` was aborted with
   */
  async obstacle({ provenance }: Run, signal: AbortSignal): Promise<string | undefined> {
    while (this.#engine.state.status !== "ready") {
      if (this.#engine.state.status === "failed") return "the model can't be loaded";
      await pause(POLL_MS, undefined, { signal });
    }
    const { name, fingerprint } = this.#engine.describe();
    if (fingerprint === provenance.model.fingerprint) return undefined;
    return `the run is of the model ${provenance.model.name} (${provenance.model.fingerprint}), and ${name} (${fingerprint}) is served; resume it with the former`;
  }

  /** SHA-256 of the served model's file; read once a model. */
  fileHash(): Promise<string> {
    const model = this.#engine.describe();
    if (this.#hash?.model !== model) {
      const sha256 = sha256OfFile(model.path);
      // A file that could not be read may be readable the next time.
      sha256.catch(() => {
        this.#hash = undefined;
      });
      this.#hash = { model, sha256 };
    }
    return this.#hash.sha256;
  }
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
