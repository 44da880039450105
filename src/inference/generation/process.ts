/** Entry of an engine process: what its messages ask, and steps of the scheduler. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { ApiError } from "../../errors.ts";
import { monotonicMs } from "../../platform/clock.ts";
import type { GenerationRequest, Prompt } from "../engine.ts";
import { serveChild, type Voice } from "../process/child.ts";
import type { EngineCore } from "./core.ts";
import { Outbox } from "./outbox.ts";
import type { EngineNews, EngineOptions, LoadedModel, ToEngine, WireOutput } from "./protocol.ts";
import { SleepyCore } from "./sleepy-core.ts";

type EngineRequest = Exclude<ToEngine, { type: "load" | "ping" }>;

serveChild<EngineOptions, EngineRequest, LoadedModel, EngineNews>((options, voice) => {
  const sleepy = new SleepyCore(options, monotonicMs, {
    onProgress: voice.progress,
    onLog: voice.log,
    onStart: (start) => voice.send({ type: "started", ...start }),
    onLayoutChanged: (choice) => voice.send({ type: "layout", choice }),
    onAwake: ({ kvLayout }) => {
      voice.send({ type: "rest", isAsleep: false });
      voice.send({ type: "layout", choice: kvLayout });
    },
  });
  const core = loadedCore(sleepy);
  const outbox = new Outbox(options.streamIntervalMs, monotonicMs);
  return {
    model: core.description,
    capacity: core.capacity,
    hasWork: () => sleepy.awake?.scheduler.hasWork === true,
    step: () => step(loadedCore(sleepy), outbox, voice),
    whenIdle: () => sleepy.awake?.scheduler.checkIntegrity(),
    watchMachine: () => sleepy.awake?.watchMachine(),
    handle: (message) =>
      message.type === "sleep" ? fallAsleep(sleepy, voice, message.id) : handle(sleepy, voice, message),
    close: () => sleepy.save(),
  };
});

/** @throws Error while it sleeps, which is never where there is work */
function loadedCore({ awake }: SleepyCore): EngineCore {
  if (awake === undefined) throw new Error("the engine sleeps");
  return awake;
}

async function fallAsleep(sleepy: SleepyCore, { send }: Voice<EngineNews>, id: number): Promise<void> {
  if (!(await sleepy.sleep()))
    throw new ApiError("conflict", "The model is in use; it can sleep when no request runs.");
  send({ type: "rest", id, isAsleep: true });
}

function step(core: EngineCore, outbox: Outbox, { send, toWire }: Voice<EngineNews>): void {
  const stepped = core.step();
  const report = stepped && outbox.add(stepped);
  if (report === undefined) return;
  const outputs = report.outputs.map(({ error, ...output }): WireOutput => {
    return error === undefined ? output : { ...output, error: toWire(error) };
  });
  send({ type: "step", ...report, ...core.state, outputs });
}

async function handle(
  sleepy: SleepyCore,
  voice: Voice<EngineNews>,
  message: Exclude<EngineRequest, { type: "sleep" }>,
): Promise<void> {
  const { send } = voice;
  const core = sleepy.awake ?? (await sleepy.wake());
  switch (message.type) {
    case "generate":
      send({ type: "preparing", id: message.id });
      await core.generate(message.id, message.request, message);
      send({ type: "queued", id: message.id });
      break;
    case "pin":
      await Promise.all(message.prefixes.map((prefix) => pin(core, voice, prefix)));
      break;
    case "rehearse":
      await rehearse(core, voice, message.requests);
      break;
    case "cancel":
      core.cancel(message.id);
      break;
    case "tokenize":
      await sendTokens(voice, message.id, await core.tokenize(message.prompt));
      break;
    case "detokenize":
      send({ type: "text", id: message.id, bytes: core.detokenize(message.tokens) });
      break;
    case "cache":
      send({ type: "cache", id: message.id, view: core.scheduler.viewCache() });
      break;
    case "wake":
      send({ type: "rest", id: message.id, isAsleep: false });
      break;
    default:
      message satisfies never;
  }
}

/** Tokens that are sent between two steps. */
const TOKENS_AT_ONCE = 16_384;

async function sendTokens({ send }: Voice<EngineNews>, id: number, tokens: Int32Array): Promise<void> {
  for (let start = 0; ; start += TOKENS_AT_ONCE) {
    const isLast = start + TOKENS_AT_ONCE >= tokens.length;
    send({ type: "tokens", id, tokens: tokens.slice(start, start + TOKENS_AT_ONCE), isLast });
    if (isLast) return;
    await nextTurn();
  }
}

/** What can't be rehearsed is slow once. */
async function rehearse(
  core: EngineCore,
  { log }: Voice<EngineNews>,
  requests: readonly GenerationRequest[],
): Promise<void> {
  try {
    await core.rehearse(requests);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    log({ level: "debug", text: `no rehearsal: ${error.message}` });
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
