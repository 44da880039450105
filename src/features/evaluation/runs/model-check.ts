import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Engine, ModelDescription } from "../../../inference/engine.ts";
import { describeJudge, type Judge } from "../judge.ts";
import type { Provenance, Run } from "./run.ts";

/** How often to look whether the model has been loaded. */
const POLL_MS = 250;

/** Knows whether the served model and the judge are those that a run was made for. */
export class ModelCheck {
  readonly #engine: Engine;
  readonly #judge: Judge;
  #hash: { readonly model: ModelDescription; readonly sha256: Promise<string> } | undefined;

  constructor(engine: Engine, judge: Judge) {
    this.#engine = engine;
    this.#judge = judge;
  }

  /** What a run's records must wait for, since they could only fail; undefined when they need not. */
  awaited({ judge }: Provenance): string | undefined {
    const { status } = this.#engine.state;
    if (status !== "ready") return `waiting for the model, which is ${status}`;
    if (judge !== null && !this.#judge.isReady)
      return `waiting for the judge, which is ${this.#judge.status.state}`;
    return undefined;
  }

  /**
   * Waits for the model, and for the judge where the run has one.
   * @returns why the run can't continue with it; undefined when it can. @throws whatever `signal` was aborted with
   */
  async obstacle(run: Run, signal: AbortSignal): Promise<string | undefined> {
    const { provenance } = run;
    while (this.awaited(provenance) !== undefined) {
      if (this.#engine.state.status === "failed") return "the model can't be loaded";
      if (provenance.judge !== null && this.#judge.status.state === "failed")
        return "the judge can't be loaded";
      await pause(POLL_MS, undefined, { signal });
    }
    const { name, weights } = this.#engine.describe();
    if (weights === provenance.model.fingerprint) return this.#otherJudge(provenance);
    return `the run is of the model ${provenance.model.name} (${provenance.model.fingerprint}), and ${name} (${weights}) is served; resume it with the former`;
  }

  /** Scores of several judges are not to be mixed. */
  #otherJudge({ judge }: Provenance): string | undefined {
    if (judge === null) return undefined;
    const { identity } = this.#judge;
    if (describeJudge(judge) === describeJudge(identity)) return undefined;
    return `the run is judged by ${describeJudge(judge)}, and ${describeJudge(identity)} judges now; resume it with the former`;
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
