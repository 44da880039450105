/** Entry of an engine process: loads one model, then alternates between messages and scheduler steps. */
import { monotonicMs } from "../../platform/clock.ts";
import type { Prompt } from "../engine.ts";
import { LlamaError } from "../llama/errors.ts";
import type { WireError } from "../process/process-news.ts";
import { asWireError } from "../process/wire-error.ts";
import { EngineHost } from "./core.ts";
import { Outbox } from "./outbox.ts";
import type { FromEngine, ToEngine, WireOutput } from "./protocol.ts";

/** So that the first request after a pause finds the right number of threads. */
const MACHINE_INTERVAL_MS = 250;

let host: EngineHost | undefined;
let outbox: Outbox | undefined;
let isStepScheduled = false;

function send(message: FromEngine): void {
  process.send?.(message);
}

function toWire(error: unknown): WireError {
  return asWireError(error, (text) => send({ type: "log", level: "error", text }));
}

function load(message: Extract<ToEngine, { type: "load" }>): void {
  let reported = -1;
  const onProgress = (fraction: number) => {
    // Whole percents: a model has thousands of tensors.
    const percent = Math.floor(fraction * 100);
    if (percent > reported) send({ type: "progress", fraction });
    reported = percent;
  };
  try {
    host = new EngineHost(
      message.options,
      monotonicMs,
      onProgress,
      ({ level, text }) => send({ type: "log", level, text }),
      (start) => send({ type: "started", ...start }),
    );
    outbox = new Outbox(message.options.streamIntervalMs, monotonicMs);
    const engine = host;
    setInterval(() => engine.watchMachine(), MACHINE_INTERVAL_MS).unref();
    send({ type: "ready", model: host.description, capacity: host.capacity });
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    send({ type: "load_failed", message: error.message });
  }
}

/** Runs steps while there is work, one a turn of the event loop, so that messages get in between. */
function scheduleStep(engine: EngineHost): void {
  if (isStepScheduled || !engine.scheduler.hasWork) return;
  isStepScheduled = true;
  setImmediate(() => {
    isStepScheduled = false;
    step(engine);
    scheduleStep(engine);
  });
}

function step(engine: EngineHost): void {
  const { scheduler } = engine;
  const stepped = engine.step();
  const report = stepped && outbox?.add(stepped);
  if (report === undefined) return;
  const outputs = report.outputs.map(({ error, ...output }): WireOutput => {
    return error === undefined ? output : { ...output, error: toWire(error) };
  });
  send({
    type: "step",
    outputs,
    running: scheduler.running,
    kvCacheUsage: scheduler.cacheUsage,
    prefixCacheHitTokens: scheduler.cacheHitTokens,
    expectedStepMs: scheduler.expectedStepMs,
    stepMs: report.stepMs,
    computeMs: report.computeMs,
    decodeSteps: report.decodeSteps,
    decodePasses: report.decodePasses,
    threads: engine.threads,
  });
}

/** Refuses what can't be done, and starts the steps that what was done may want. */
async function answer(engine: EngineHost, id: number, work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    send({ type: "refused", id, error: toWire(error) });
  }
  scheduleStep(engine);
}

/** A prefix that can't be kept costs speed and no answer, so it is reported and not fatal. */
async function pin(engine: EngineHost, prefix: Prompt): Promise<void> {
  try {
    send({ type: "log", level: "info", text: await engine.pin(prefix) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    send({ type: "log", level: "error", text: `prefix not pinned: ${reason}` });
  }
  scheduleStep(engine);
}

/** Work for the loaded model. */
function serve(engine: EngineHost, message: Exclude<ToEngine, { type: "load" | "ping" }>): void {
  switch (message.type) {
    case "generate":
      answer(engine, message.id, async () => {
        send({ type: "preparing", id: message.id });
        await engine.generate(message.id, message.request, message);
        send({ type: "queued", id: message.id });
      });
      break;
    case "pin":
      for (const prefix of message.prefixes) pin(engine, prefix);
      break;
    case "cancel":
      engine.cancel(message.id);
      scheduleStep(engine);
      break;
    case "tokenize":
      answer(engine, message.id, async () => {
        send({ type: "tokens", id: message.id, tokens: [...(await engine.tokenize(message.prompt))] });
      });
      break;
    case "detokenize":
      answer(engine, message.id, () => {
        send({ type: "text", id: message.id, text: engine.detokenize(message.tokens) });
      });
      break;
    default:
      message satisfies never;
  }
}

process.on("message", (message: ToEngine) => {
  if (message.type === "load") load(message);
  else if (message.type === "ping") send({ type: "pong" });
  else if (host !== undefined) serve(host, message);
  else throw new Error(`message ${message.type} before the model is loaded`);
});
// A terminal's Ctrl-C reaches the whole process group; the server decides when this process ends.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
