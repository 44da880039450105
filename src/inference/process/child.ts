import { LlamaError } from "../llama/errors.ts";
import type { ProcessNews, WireError } from "./process-news.ts";
import { asWireError } from "./wire-error.ts";

/** The first request after a pause must find the right number of threads. */
const MACHINE_INTERVAL_MS = 250;

/** What a process can say while it loads and serves. */
export interface Voice<News> {
  readonly send: (news: News) => void;
  readonly log: (line: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly text: string;
  }) => void;
  /** Fraction of the model that has been loaded. */
  readonly progress: (fraction: number) => void;
  /** An error as it crosses to the server; the stack of a defect goes to the log. */
  readonly toWire: (error: unknown) => WireError;
}

/** A loaded model, as its process serves it. */
export interface Served<Request, Model> {
  readonly model: Model;
  /** What it has room for, for the log. */
  readonly capacity: string;
  /** Whether a step has something to do. */
  readonly hasWork: () => boolean;
  readonly step: () => void;
  /** Called each time that the work is done. What it throws ends the process: a later answer could be wrong. */
  readonly whenIdle?: () => void;
  /** Lets the thread count follow the machine. */
  readonly watchMachine: () => void;
  /** Does what a message asks, or begins it. What it throws refuses the request of that id. */
  readonly handle: (message: Request) => Promise<void> | void;
  /** Keeps what later processes can use; the last that is asked of it. */
  readonly close?: () => Promise<void>;
}

type ToChild<Options, Request> =
  | { readonly type: "load"; readonly options: Options }
  | { readonly type: "ping" }
  | Request;

interface Addressed {
  readonly type: string;
  readonly id?: number;
}

/** Serves one model in this process, which alternates between messages and steps until the server goes away. */
export function serveChild<Options, Request extends Addressed, Model, News>(
  load: (options: Options, voice: Voice<News>) => Served<Request, Model>,
): void {
  const send = (news: ProcessNews<Model> | News | { type: "refused"; id: number; error: WireError }) =>
    process.send?.(news);
  const toWire = (error: unknown) =>
    asWireError(error, (text) => send({ type: "log", level: "error", text }));
  let served: Served<Request, Model> | undefined;
  let isStepScheduled = false;

  /** Runs steps while there is work, one per turn of the event loop: messages are handled in between. */
  function scheduleStep(model: Served<Request, Model>): void {
    if (isStepScheduled || !model.hasWork()) return;
    isStepScheduled = true;
    setImmediate(() => {
      isStepScheduled = false;
      // What it was scheduled for may have been cancelled.
      if (model.hasWork()) model.step();
      if (model.hasWork()) scheduleStep(model);
      else model.whenIdle?.();
    });
  }

  async function handle(model: Served<Request, Model>, message: Request): Promise<void> {
    try {
      await model.handle(message);
    } catch (error) {
      if (message.id === undefined) throw error;
      send({ type: "refused", id: message.id, error: toWire(error) });
    }
    scheduleStep(model);
  }

  function start(options: Options): void {
    let reported = -1;
    const voice: Voice<News> = {
      send,
      log: ({ level, text }) => send({ type: "log", level, text }),
      progress: (fraction) => {
        // Whole percents: a model has thousands of tensors.
        const percent = Math.floor(fraction * 100);
        if (percent > reported) send({ type: "progress", fraction });
        reported = percent;
      },
      toWire,
    };
    try {
      const loaded = load(options, voice);
      served = loaded;
      setInterval(() => loaded.watchMachine(), MACHINE_INTERVAL_MS).unref();
      send({ type: "ready", model: loaded.model, capacity: loaded.capacity });
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      send({ type: "load_failed", message: error.message });
    }
  }

  process.on("message", (message: ToChild<Options, Request>) => {
    if (message.type === "load") start((message as { options: Options }).options);
    else if (message.type === "ping") send({ type: "pong" });
    else if (served !== undefined) void handle(served, message as Request);
    else throw new Error(`message ${message.type} before the model is loaded`);
  });
  // A terminal's Ctrl-C reaches the whole process group; the server decides when this process ends.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", async () => {
    await served?.close?.();
    process.exit(0);
  });
}
