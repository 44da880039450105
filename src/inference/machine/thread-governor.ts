import type { MachineLoad } from "./machine-load.ts";

/** Time between two looks at the machine: long enough for the kernel's 10 ms ticks to mean something. */
const INTERVAL_MS = 200;
/** Cores by which the others' use must change before it counts as other neighbours. */
const CHANGE = 0.4;
/** Share of the steps' time in which threads waited for a processor, below which fewer threads can't be faster. */
const WAITING_SHARE = 0.1;
/** Step time after which the pace of a count is known. */
const PACE_MS = 80;
/** Step time that halves what earlier steps say. */
const MEMORY_MS = 300;
/** A count must be this much faster to be preferred: equal ones must not take turns. */
const MARGIN = 1.05;
/** Factor by which the pace must change to count as more than an accident of the work. */
const PACE_CHANGE = 1.3;
/** A trial ends early once it has lost this much time. */
const MOST_LOST_MS = 30;
/** Pause between trials: doubled by each that fails, and the least again when the neighbours change. */
const SHORTEST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 16_000;
/** Time lost in a failed trial is paid for by this many times as long without one. */
const COST_SHARE = 60;

/** How long a step took, and what it had to do for it. */
export interface ObservedStep {
  readonly ms: number;
  /** In any unit that is proportional to the time it takes on a machine that does not change. */
  readonly work: number;
  /** Milliseconds of it that the thread which waited longest was ready to run and had no processor. */
  readonly waitedMs: number;
}

/** Milliseconds per unit of work, over the latest steps of one thread count. */
class Pace {
  ms = 0;
  #work = 0;
  #waitedMs = 0;

  add({ ms, work, waitedMs }: ObservedStep): void {
    const kept = 0.5 ** (ms / MEMORY_MS);
    this.ms = this.ms * kept + ms;
    this.#work = this.#work * kept + work;
    this.#waitedMs = this.#waitedMs * kept + waitedMs;
  }

  /** Whether others took processors from the steps. */
  get isHeldUp(): boolean {
    return this.#waitedMs > WAITING_SHARE * this.ms;
  }

  get isKnown(): boolean {
    return this.ms >= PACE_MS;
  }

  get msPerWork(): number {
    return this.ms / this.#work;
  }

  /** Time that the same work would have taken at another pace. */
  msAt(msPerWork: number): number {
    return this.#work * msPerWork;
  }
}

interface Trial {
  /** The count to return to, and its pace. */
  readonly before: number;
  readonly pace: Pace;
}

/**
 * Chooses the number of compute threads by what steps take. ggml's threads wait for one another by spinning, so where
 * other processes want the cores fewer threads can be many times as fast. How many depends on the neighbours, the
 * scheduler of the system and the size of a step: it is measured and not derived.
 *
 * A look at the machine shows when neighbours come or go. The count then moves to what they leave, and trials of a few
 * steps correct it. A trial that fails is followed by a pause, longer each time.
 */
export class ThreadGovernor {
  readonly #most: number;
  readonly #read: () => MachineLoad | undefined;
  #threads: number;
  #limit: number;
  #pace = new Pace();
  #trial: Trial | undefined;
  #pauseMs = SHORTEST_PAUSE_MS;
  #nextTrialAt = Number.NEGATIVE_INFINITY;
  /** When the time that the last trial lost is paid for, and the pace that it left. */
  #paidAt = Number.NEGATIVE_INFINITY;
  #settledMsPerWork: number | undefined;
  #trials = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #last: MachineLoad | undefined;
  /** Cores that others used beside a count of threads, and use now. */
  #settled: { readonly others: number; readonly threads: number } | undefined;
  #others = 0;
  /** Most by which counts since the last look differ from the settled one: so many cores more or fewer were left to others. */
  #strayed = 0;
  #hasCountChangedSinceLook = false;
  /** Threads that others leave room for. */
  #room: number;
  #hasSteppedSinceLook = false;

  /** `most`: threads that there are. `read` must tell of all processors that the process may run on. */
  constructor(most: number, read: () => MachineLoad | undefined) {
    this.#most = most;
    this.#read = read;
    this.#threads = most;
    this.#limit = most;
    this.#room = most;
  }

  get threads(): number {
    return this.#threads;
  }

  /** Looks at the machine; to be called often, between steps and while idle. `now` in milliseconds. */
  look(now: number): void {
    const elapsedMs = now - this.#lastAt;
    if (elapsedMs < INTERVAL_MS) return;
    const load = this.#read();
    const last = this.#last;
    this.#last = load;
    this.#lastAt = now;
    const isIdle = !this.#hasSteppedSinceLook;
    this.#hasSteppedSinceLook = false;
    if (load === undefined || last === undefined) return;
    // After a pause without looks the average says nothing about now.
    if (isIdle && elapsedMs > 10 * INTERVAL_MS) return;
    const usedMs = load.machineMs - last.machineMs - (load.ownMs - last.ownMs);
    const yieldingMs = load.yieldingMs - last.yieldingMs;
    this.#others = Math.max(0, usedMs - yieldingMs) / elapsedMs;
    this.#limit = Math.max(1, Math.min(this.#most, load.limit));
    this.#room = Math.max(1, Math.min(this.#limit, Math.round(load.processors - this.#others)));
    this.#compareOthers(isIdle);
    // Who was beside the last steps, clients among them, is gone with them.
    if (isIdle && this.#room > this.#threads) this.#meetNeighbours(isIdle);
    if (this.#threads > this.#limit) this.#settle(this.#limit, new Pace());
  }

  /** Learns how long a step took. */
  observe(now: number, step: ObservedStep): void {
    this.#hasSteppedSinceLook = true;
    if (step.ms <= 0 || step.work <= 0) return;
    this.#pace.add(step);
    if (this.#trial !== undefined) this.#judge(now, this.#trial);
    else if (this.#pace.isKnown) {
      if (this.#hasPaceChanged()) {
        this.#pauseMs = SHORTEST_PAUSE_MS;
        this.#nextTrialAt = this.#paidAt;
      }
      if (now >= this.#nextTrialAt) this.#try();
    }
  }

  /** What others use depends on the own count: the own change is allowed for, and what is left to others taken anew. */
  #compareOthers(isIdle: boolean): void {
    const now = { others: this.#others, threads: this.#threads };
    const isMixed = this.#hasCountChangedSinceLook;
    this.#hasCountChangedSinceLook = false;
    const change = Math.abs(now.others - (this.#settled?.others ?? now.others));
    if (change > CHANGE + this.#strayed) {
      this.#settled = undefined;
      this.#meetNeighbours(isIdle);
    } else if (this.#settled === undefined || (this.#strayed > 0 && this.#trial === undefined)) {
      if (!isMixed) this.#settled = now;
    }
    this.#strayed = Math.abs(this.#threads - (this.#settled?.threads ?? this.#threads));
  }

  /** Others came or left. Giving up threads is urgent; taking them back while steps run is left to a trial. */
  #meetNeighbours(isIdle: boolean): void {
    this.#pauseMs = SHORTEST_PAUSE_MS;
    this.#nextTrialAt = Number.NEGATIVE_INFINITY;
    const stays = !isIdle && this.#room > this.#threads;
    this.#settle(stays ? this.#threads : this.#room, new Pace());
  }

  /** Also true when a neighbour came that the look at the machine can't tell from this process's own doing. */
  #hasPaceChanged(): boolean {
    const now = this.#pace.msPerWork;
    this.#settledMsPerWork ??= now;
    const change = now / this.#settledMsPerWork;
    if (change < PACE_CHANGE && change > 1 / PACE_CHANGE) return false;
    this.#settledMsPerWork = now;
    return true;
  }

  #try(): void {
    const candidates = this.#candidates();
    const candidate = candidates[this.#trials++ % Math.max(1, candidates.length)];
    if (candidate === undefined) return;
    this.#trial = { before: this.#threads, pace: this.#pace };
    this.#compute(candidate, new Pace());
  }

  /** What others leave room for, then half and twice as many, one less and one more. None is fewer while steps are not held up. */
  #candidates(): readonly number[] {
    const now = this.#threads;
    const fewest = this.#pace.isHeldUp ? 1 : now;
    const all = [this.#room, Math.ceil(now / 2), now * 2, now - 1, now + 1];
    return [...new Set(all.map((count) => Math.min(count, this.#limit)))].filter(
      (count) => count >= fewest && count !== now,
    );
  }

  #judge(now: number, { before, pace }: Trial): void {
    const lostMs = this.#pace.ms - this.#pace.msAt(pace.msPerWork);
    if (!this.#pace.isKnown && lostMs < MOST_LOST_MS) return;
    this.#paidAt = now + COST_SHARE * Math.max(0, lostMs);
    if (this.#pace.msPerWork * MARGIN < pace.msPerWork) {
      this.#pauseMs = SHORTEST_PAUSE_MS;
      this.#nextTrialAt = now + this.#pauseMs;
      this.#settle(this.#threads, this.#pace);
    } else {
      this.#nextTrialAt = Math.max(now + this.#pauseMs, this.#paidAt);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
      this.#settle(before, pace);
    }
  }

  #settle(threads: number, pace: Pace): void {
    this.#compute(threads, pace);
    this.#trial = undefined;
    this.#settledMsPerWork = undefined;
  }

  #compute(threads: number, pace: Pace): void {
    this.#pace = pace;
    if (threads === this.#threads) return;
    this.#threads = threads;
    this.#hasCountChangedSinceLook = true;
    this.#strayed = Math.max(this.#strayed, Math.abs(threads - (this.#settled?.threads ?? threads)));
  }
}
