/** Entry of an engine process: what its messages ask, and steps of the scheduler. */
import { monotonicMs } from "../../platform/clock.ts";
import type { Prompt } from "../engine.ts";
import { serveChild, type Voice } from "../process/child.ts";
import { EngineCore } from "./core.ts";
import { Outbox } from "./outbox.ts";
import type { EngineNews, EngineOptions, LoadedModel, ToEngine, WireOutput } from "./protocol.ts";

type EngineRequest = Exclude<ToEngine, { type: "load" | "ping" }>;

serveChild<EngineOptions, EngineRequest, LoadedModel, EngineNews>((options, voice) => {
  const core = new EngineCore(options, monotonicMs, {
    onProgress: voice.progress,
    onLog: voice.log,
    onStart: (start) => voice.send({ type: "started", ...start }),
    onLayoutChanged: (choice) => voice.send({ type: "layout", choice }),
  });
  const outbox = new Outbox(options.streamIntervalMs, monotonicMs);
  return {
    model: core.description,
    capacity: core.capacity,
    hasWork: () => core.scheduler.hasWork,
    step: () => step(core, outbox, voice),
    whenIdle: () => core.scheduler.checkIntegrity(),
    watchMachine: () => core.watchMachine(),
    handle: (message) => handle(core, voice, message),
    close: () => core.save(),
  };
});

function step(core: EngineCore, outbox: Outbox, { send, toWire }: Voice<EngineNews>): void {
  const stepped = core.step();
  const report = stepped && outbox.add(stepped);
  if (report === undefined) return;
  const outputs = report.outputs.map(({ error, ...output }): WireOutput => {
    return error === undefined ? output : { ...output, error: toWire(error) };
  });
  send({ type: "step", ...report, ...core.state, outputs });
}

async function handle(core: EngineCore, voice: Voice<EngineNews>, message: EngineRequest): Promise<void> {
  const { send } = voice;
  switch (message.type) {
    case "generate":
      send({ type: "preparing", id: message.id });
      await core.generate(message.id, message.request, message);
      send({ type: "queued", id: message.id });
      break;
    case "pin":
      await Promise.all(message.prefixes.map((prefix) => pin(core, voice, prefix)));
      break;
    case "cancel":
      core.cancel(message.id);
      break;
    case "tokenize":
      send({ type: "tokens", id: message.id, tokens: [...(await core.tokenize(message.prompt))] });
      break;
    case "detokenize":
      send({ type: "text", id: message.id, text: await core.detokenize(message.tokens) });
      break;
    case "cache":
      send({ type: "cache", id: message.id, view: core.scheduler.viewCache() });
      break;
    default:
      message satisfies never;
  }
}

/** A prefix that can't be kept costs speed and no answer, so it is reported and not fatal. */
async function pin(core: EngineCore, { log }: Voice<EngineNews>, prefix: Prompt): Promise<void> {
  try {
    log({ level: "info", text: await core.pin(prefix) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log({ level: "error", text: `prefix not pinned: ${reason}` });
  }
}
