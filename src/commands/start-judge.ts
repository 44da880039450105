import { chatModel } from "../assistant/template/chat-model.ts";
import type { Config } from "../config/config.ts";
import { EngineJudge } from "../features/evaluation/judges/engine-judge.ts";
import type { JudgeModel } from "../features/evaluation/judges/judge-model.ts";
import { UpstreamJudge } from "../features/evaluation/judges/upstream-judge.ts";
import type { Engine } from "../inference/engine.ts";
import type { EngineSlot } from "../inference/engine-slot.ts";
import { UpstreamChat } from "../inference/upstream/chat-client.ts";
import { resolveModel } from "../models/resolve.ts";
import { createEngine } from "./create-engine.ts";
import { resolveOptions } from "./resolve-options.ts";
import type { StartContext } from "./start-embeddings.ts";

/** The judge that `JUDGE_MODEL` names, undefined when the served model judges. A local one judges once `engine` is there. */
export function createJudge(config: Config, engine: Engine): JudgeModel | undefined {
  const { judgeModel, judgeApiKey, judgeTimeoutMs } = config;
  switch (judgeModel?.kind) {
    case undefined:
      return undefined;
    case "local":
      return new EngineJudge(chatModel(engine));
    case "upstream": {
      const { baseUrl, model } = judgeModel;
      return new UpstreamJudge(
        new UpstreamChat({ baseUrl, model, apiKey: judgeApiKey, timeoutMs: judgeTimeoutMs }),
      );
    }
  }
}

/**
 * Puts the engine of the configured local judge into `slot`. The server serves its other routes meanwhile, and also when
 * that fails.
 */
export async function startJudge(slot: EngineSlot, context: StartContext): Promise<void> {
  const { config, log, signal } = context;
  if (config.judgeModel?.kind !== "local") return;
  slot.progressed("resolving", 0);
  try {
    const model = await resolveModel(config.judgeModel.name, { ...resolveOptions(config), signal });
    if (signal.aborted) return;
    const engine = createEngine(config, model, log);
    slot.fill(engine);
    await engine.start();
    log.info({ model: model.name }, "the judge is ready");
  } catch (error) {
    const { message } = error as Error;
    slot.failed(message);
    if (!signal.aborted) log.error(`JUDGE_MODEL: ${message}`);
  }
}
