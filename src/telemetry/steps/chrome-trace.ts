import { wallMs } from "../../platform/clock.ts";
import type { KeptStep } from "./step-ring.ts";

/**
 * Steps as Chrome's trace event format has them ("Trace Event Format", JSON object form), which Perfetto's and Chrome's
 * viewers open. A process of two lanes a model for the scheduler, and one with a lane for each KV sequence. Slices of a
 * lane nest: a sequence's request, in it its steps.
 */

interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "M" | "C";
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

const SCHEDULER_LANE = 1;

/** The file's text, piece by piece. */
export function* chromeTrace(steps: readonly KeptStep[]): Iterable<string> {
  const [first] = steps;
  const metadata = first === undefined ? {} : { begins: new Date(wallMs(first.startedAt)).toISOString() };
  yield `{"displayTimeUnit":"ms","metadata":${JSON.stringify({ server: "llm-server", ...metadata })},"traceEvents":[`;
  let isFirst = true;
  for (const event of events(steps, first?.startedAt ?? 0)) {
    yield `${isFirst ? "" : ","}\n${JSON.stringify(event)}`;
    isFirst = false;
  }
  yield "\n]}\n";
}

function* events(steps: readonly KeptStep[], base: number): Iterable<TraceEvent> {
  const models = [...new Set(steps.map(({ model }) => model))];
  for (const [index, model] of models.entries()) {
    const [scheduler, sequences] = [2 * index + 1, 2 * index + 2];
    const own = steps.filter((step) => step.model === model);
    yield named("process_name", scheduler, 0, `scheduler of ${model}`);
    yield named("process_name", sequences, 0, `KV sequences of ${model}`);
    yield named("thread_name", scheduler, SCHEDULER_LANE, "steps");
    for (const step of own) yield* stepEvents(step, scheduler, base);
    yield* sequenceEvents(own, sequences, base);
  }
}

function* stepEvents(step: KeptStep, pid: number, base: number): Iterable<TraceEvent> {
  const { startedAt, planMs, decodeMs, sampleMs, index } = step;
  const slice = (name: string, at: number, ms: number, args?: TraceEvent["args"]): TraceEvent => ({
    name,
    ph: "X",
    pid,
    tid: SCHEDULER_LANE,
    ...span(at - base, at - base + ms),
    ...(args !== undefined && { args }),
  });
  const { model: _model, startedAt: _startedAt, index: _index, ...args } = step;
  yield slice(`step ${index}`, startedAt, planMs + decodeMs + sampleMs, args);
  yield slice("plan", startedAt, planMs);
  yield slice("decode", startedAt + planMs, decodeMs);
  yield slice("sample", startedAt + planMs + decodeMs, sampleMs);
  const counters = { running: step.running, waiting: step.waiting, threads: step.threads };
  for (const [name, value] of Object.entries(counters))
    yield { name, ph: "C", pid, tid: 0, ts: microseconds(startedAt - base), args: { [name]: value } };
}

/** A lane for each KV sequence: requests one after another, and in each its part of every step. */
function* sequenceEvents(steps: readonly KeptStep[], pid: number, base: number): Iterable<TraceEvent> {
  const shares = steps.flatMap((step) => step.sequences.map((share) => ({ step, share })));
  const lanes = Map.groupBy(shares, ({ share }) => share.kvSequence);
  for (const [lane, inLane] of [...lanes].toSorted(([a], [b]) => a - b)) {
    // Lanes count from 1: viewers hide a thread 0.
    const tid = lane + 1;
    yield named("thread_name", pid, tid, `sequence ${lane}`);
    // A model that was loaded again counts its generations from 1.
    const nameOf = ({ share }: (typeof inLane)[number]) => `${share.generation} ${share.requestId}`;
    for (const own of Map.groupBy(inLane, nameOf).values()) {
      const [first, last] = [own[0], own.at(-1)];
      if (first === undefined || last === undefined) continue;
      const name = first.share.requestId ?? "the server's own";
      yield { name, ph: "X", pid, tid, ...span(first.step.startedAt - base, endOf(last.step) - base) };
      for (const { step, share } of own) {
        const { prefillTokens, decodeRows } = share;
        const label = prefillTokens > 0 ? `prefill ${prefillTokens}` : "decode";
        const args = { step: step.index, prefillTokens, decodeRows };
        yield { name: label, ph: "X", pid, tid, ...span(step.startedAt - base, endOf(step) - base), args };
      }
    }
  }
}

function endOf({ startedAt, planMs, decodeMs, sampleMs }: KeptStep): number {
  return startedAt + planMs + decodeMs + sampleMs;
}

function named(name: string, pid: number, tid: number, value: string): TraceEvent {
  return { name, ph: "M", pid, tid, args: { name: value } };
}

/** Both ends are rounded, and not the length: slices that touch or nest still do. */
function span(beginMs: number, endMs: number): { readonly ts: number; readonly dur: number } {
  const ts = microseconds(beginMs);
  return { ts, dur: Math.max(0, Math.round((microseconds(endMs) - ts) * 1000) / 1000) };
}

/** To the nanosecond. */
function microseconds(ms: number): number {
  return Math.round(ms * 1e6) / 1000;
}
