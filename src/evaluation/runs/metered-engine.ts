import type { Engine, Usage } from "../../inference/engine.ts";
import { EngineView } from "../../inference/engine-view.ts";

/** An engine, and the tokens of every generation made through it. */
export function meteredEngine(engine: Engine): {
  readonly engine: Engine;
  readonly usages: readonly Usage[];
} {
  const usages: Usage[] = [];
  const metered = new EngineView(engine, async function* (request, options) {
    for await (const event of engine.generate(request, options)) {
      if (event.type === "done") usages.push(event.usage);
      yield event;
    }
  });
  return { engine: metered, usages };
}
