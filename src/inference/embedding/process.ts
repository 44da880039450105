/** Entry of an embedding process: loads one model, then alternates between messages and batches. */
import { monotonicMs } from "../../platform/clock.ts";
import { LlamaError } from "../llama/errors.ts";
import { asWireError } from "../process/wire-error.ts";
import { EmbeddingHost } from "./host.ts";
import type { EmbeddingOptions, FromEmbedder, ToEmbedder } from "./protocol.ts";

/** So that the first request after a pause finds the right number of threads. */
const MACHINE_INTERVAL_MS = 250;

let host: EmbeddingHost | undefined;
let isStepScheduled = false;

function send(message: FromEmbedder): void {
  process.send?.(message);
}

function load(options: EmbeddingOptions): void {
  let reported = -1;
  const onProgress = (fraction: number) => {
    // Whole percents: a model has thousands of tensors.
    const percent = Math.floor(fraction * 100);
    if (percent > reported) send({ type: "progress", fraction });
    reported = percent;
  };
  try {
    const embedder = new EmbeddingHost(options, monotonicMs, onProgress, ({ level, text }) =>
      send({ type: "log", level, text }),
    );
    host = embedder;
    setInterval(() => embedder.watchMachine(), MACHINE_INTERVAL_MS).unref();
    const { dimensions, maxTokens } = embedder.description;
    const capacity = `${dimensions} dimensions, ${maxTokens} tokens per text`;
    send({ type: "ready", model: embedder.description, capacity });
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    send({ type: "load_failed", message: error.message });
  }
}

/** Runs batches while there is work, one a turn of the event loop, so that messages get in between. */
function scheduleStep(embedder: EmbeddingHost): void {
  if (isStepScheduled || !embedder.hasWork) return;
  isStepScheduled = true;
  setImmediate(() => {
    isStepScheduled = false;
    // What it was scheduled for may have been cancelled.
    if (!embedder.hasWork) return;
    for (const news of embedder.step()) send(news);
    scheduleStep(embedder);
  });
}

function answer(id: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    send({
      type: "refused",
      id,
      error: asWireError(error, (text) => send({ type: "log", level: "error", text })),
    });
  }
}

function serve(embedder: EmbeddingHost, message: Exclude<ToEmbedder, { type: "load" }>): void {
  const { id } = message;
  switch (message.type) {
    case "embed":
      answer(id, () => embedder.embed(id, message.texts));
      break;
    case "rank":
      answer(id, () => embedder.rank(id, message.query, message.texts));
      break;
    case "count":
      answer(id, () => send({ type: "counted", id, tokens: embedder.count(message.texts) }));
      break;
    case "detokenize":
      answer(id, () => send({ type: "texts", id, texts: embedder.detokenize(message.tokens) }));
      break;
    case "cancel":
      embedder.cancel(id);
      break;
    default:
      message satisfies never;
  }
  scheduleStep(embedder);
}

process.on("message", (message: ToEmbedder | { readonly type: "ping" }) => {
  if (message.type === "load") load(message.options);
  else if (message.type === "ping") send({ type: "pong" });
  else if (host !== undefined) serve(host, message);
  else throw new Error(`message ${message.type} before the model is loaded`);
});
// A terminal's Ctrl-C reaches the whole process group; the server decides when this process ends.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
