/**
 * Turns of this thread's event loop: those that took long become records, and every turn stamps the thread as alive, so that
 * the watchdog (watchdog.ts) sees when one does not end. Also utilisation and delay of the loop as counters.
 *
 * A turn is what runs between two waits of the loop. An immediate that does not keep the process alive runs once a turn,
 * right after the callbacks of I/O; then come timers, then the wait. So what was busy since the last immediate is the timers
 * of the turn before, the wait, and the callbacks of this one; a timer of our own, the beat, tells the first from the last.
 *
 * A loop that has next to nothing to do is quiet: it does not beat, where the collector can see from outside that it waits.
 */
import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { Control, CounterUnit, PROBE_KEY, RecordKind, Stamp } from '../ring.ts';
import { SOURCE_NAMES } from '../source-options.ts';
import { threadName } from '../thread-name.ts';
import {
  control,
  currentTaskId,
  innermostRegion,
  nameId,
  record,
  stamp,
  stampAlive,
} from '../thread-recorder.ts';
import { LostWaits } from './lost-waits.ts';
import { stackFrames } from './stack-frames.ts';
import { startVmLimits } from './vm-limits.ts';

// Bound early: test tools replace them.
const { setImmediate, clearImmediate, setInterval, clearInterval } = globalThis;
const { nextTick } = process;
const clock: () => number = performance.now.bind(performance);

/** How often the loop wakes to show that it is alive. Watchdog and end of a block in a timer are as exact as this is short. */
export const HEARTBEAT_MS = 10;
/** Beats between two readings of the counters. */
const BEATS_PER_READING = 50;
/** A loop that is less busy than this percentage becomes quiet, until a turn takes long or there have been so many. */
const QUIET_PERCENT = 2;
const QUIET_TURNS = 100;
/** The source whose profiles make Node.js lose waits. */
const PROFILED = 1 << SOURCE_NAMES.indexOf('samples');
/** Below this the loop has not really waited. */
const NO_WAIT_MS = 0.02;

const timing = performance.nodeTiming as typeof performance.nodeTiming & {
  readonly uvMetricsInfo: { readonly events: number };
};

const { then } = Promise.prototype;
const settled = Promise.resolve();
/** Node.js 22 and newer. */
const cpuUsage = process as unknown as { threadCpuUsage(): { user: number; system: number } };
const hasThreadCpu = typeof cpuUsage.threadCpuUsage === 'function';
/** A thread that has had no more of a processor since has run next to nothing but answers to the inspector (1 to 4 ms seen). */
const LITTLE_CPU_MICROS = 5000;

/** When the code that the watchdog met was through, and what `timing.idleTime` and `threadCpu` were then. */
let markedAt = 0;
let markedIdle = 0;
let markedCpu = 0;
/** Whether a promise job of ours is in the queue, and how many of them have run since it was empty last. */
let isJobAsked = false;
let jobs = 0;
let isRunning = false;
/** Whether the thread waits, or has waited in this turn, where `parkThread` was not called. */
let isUnseen = false;
/** Time and idle time of the loop at the last immediate. */
let last = 0;
let lastIdle = 0;
/** Latest beat since then before the loop waited: until then it was busy. 0 = none. */
let busyUntil = 0;
/** Callbacks of I/O that the loop had made at the last beat. */
let beatEvents = 0;
/** From this length on a turn is recorded. */
let turnMillis = Infinity;
let lostWaits = new LostWaits(false, 0);

export function startEventLoop(): () => void {
  isRunning = true;
  turnMillis = control[Control.turnMicros]! / 1000;
  const global = globalThis as unknown as Record<symbol, unknown>;
  const key = Symbol.for(PROBE_KEY);
  global[key] = probe;
  // A profiled loop is never quiet: how long it can have waited unseen would have no bound.
  const isProfiled = (control[Control.sources]! & PROFILED) !== 0;
  lostWaits = new LostWaits(isProfiled, HEARTBEAT_MS);
  begin();
  let immediate = setImmediate(onTurn);
  immediate.unref();
  let quietTurns = 0;
  function onTurn(): void {
    const busy = endTurn();
    if (heartbeat === undefined) {
      beatEvents = timing.uvMetricsInfo.events;
      if (busy >= turnMillis || ++quietTurns === QUIET_TURNS) wake(busy);
    }
    immediate = setImmediate(onTurn);
    immediate.unref();
  }
  const counters = new LoopCounters();
  let heartbeat: NodeJS.Timeout | undefined;
  const wake = (late: number): void => {
    stamp(Stamp.quiet, 0);
    quietTurns = 0;
    counters.begin(late);
    heartbeat = setInterval(beat, HEARTBEAT_MS);
    heartbeat.unref();
  };
  function beat(): void {
    const time = clock();
    if (timing.idleTime === lastIdle) busyUntil = time;
    beatEvents = timing.uvMetricsInfo.events;
    const utilization = counters.beat(time);
    if (isProfiled || utilization >= QUIET_PERCENT || control[Control.seesWaits] !== 1) return;
    clearInterval(heartbeat);
    heartbeat = undefined;
    stamp(Stamp.quiet, 1);
  }
  wake(0);
  const stopVmLimits = startVmLimits();
  // A worker hears of nothing else before it ends, and its last turn has no immediate after it.
  if (!isMainThread) process.on('exit', endTurn);
  return () => {
    process.off('exit', endTurn);
    stopVmLimits();
    isRunning = false;
    endTurn();
    stampAlive(0);
    stamp(Stamp.quiet, 0);
    clearImmediate(immediate);
    clearInterval(heartbeat);
    if (global[key] === probe) delete global[key];
  };
}

function begin(): void {
  isUnseen = false;
  last = clock();
  lastIdle = timing.idleTime;
  busyUntil = 0;
  lostWaits.forget(last);
  stampAlive(last);
}

/** @returns milliseconds that the loop has been busy since the last immediate. */
function endTurn(): number {
  // hot: once a turn.
  if (isUnseen) begin();
  const time = clock();
  const idle = timing.idleTime;
  const waited = idle - lastIdle + lostWaits.take(time, idle);
  const busy = time - last - waited;
  if (busy >= turnMillis) recordTurns(time, busy, waited);
  last = time;
  lastIdle = idle;
  busyUntil = 0;
  stampAlive(time);
  return busy;
}

/**
 * Says which part of the time since the last immediate was busy: before the loop waited, after it, or both. A beat, which is a
 * timer, parts them even where it did not wait: what comes after a block, on a machine with too few processors, is not of it.
 */
function recordTurns(time: number, wholeBusy: number, waited: number): void {
  let end = time;
  let busy = wholeBusy;
  let rest = 0;
  if (markedAt > last && threadCpu() - markedCpu < LITTLE_CPU_MICROS) {
    if (markedIdle === lastIdle && waited >= NO_WAIT_MS) busyUntil = Math.max(busyUntil, markedAt);
    else {
      busy -= time - markedAt - (timing.idleTime - markedIdle);
      end = markedAt;
      rest = wholeBusy - busy;
    }
  }
  let before = busyUntil > last ? busyUntil - last : 0;
  // Without I/O since the last beat only timers can have been busy: they ran before the wait.
  if (before === 0 && waited >= NO_WAIT_MS && timing.uvMetricsInfo.events === beatEvents) before = busy;
  const after = busy - before;
  if (before >= turnMillis) recordTurn(last, last + before);
  if (after >= turnMillis) recordTurn(end - after, end);
  if (rest >= turnMillis) recordTurn(time - rest, time);
}

function recordTurn(start: number, end: number): void {
  record(RecordKind.turn, 0, 0, start, end);
}

/**
 * A worker goes to wait on shared memory: like the wait of the loop, that ends its turn, and the watchdog need not look. The
 * main thread's loop is blocked by it as by anything else.
 */
export function parkThread(): void {
  if (isMainThread || !isRunning) return;
  endTurn();
  stampAlive(0);
}

/** The same for a wait that began before there was a recording, and whose end nobody sees: its turn is left out. */
export function parkUnseen(): void {
  parkThread();
  isUnseen = isRunning;
}

/** The wait is over. */
export function unparkThread(): void {
  if (!isMainThread && isRunning) begin();
}

/** What the watchdog asks for while the loop is blocked, by an expression that is the outermost frame here; answers in JSON. */
function probe(): string {
  const time = clock();
  const idle = timing.idleTime;
  const waited = idle - lastIdle + lostWaits.peek(time, idle);
  const start = Math.max(busyUntil, last) + waited;
  if (!isJobAsked) {
    isJobAsked = true;
    void Reflect.apply(then, settled, [onJob]);
  }
  const frames = stackFrames(probe).slice(1);
  return JSON.stringify([time, Math.min(start, time), innermostRegion(), currentTaskId(), frames, jobs]);
}

/** Runs among the promise jobs of the program. Asked for by a promise alone, for no other queue may be touched in the middle of other code. */
function onJob(): void {
  isJobAsked = false;
  // Ticks run when no promise job is left: as long as this one does not, one job follows another.
  if (jobs++ === 0) nextTick(onDrained);
  if (hasThreadCpu) markEnd();
}

function onDrained(): void {
  jobs = 0;
}

/** The code that blocked is through: what comes after it may be long, though it takes no time of its own, where threads outnumber processors. */
function markEnd(): void {
  markedAt = clock();
  markedIdle = timing.idleTime;
  markedCpu = threadCpu();
}

/** Microseconds of a processor that this thread has had. */
function threadCpu(): number {
  const { user, system } = cpuUsage.threadCpuUsage();
  return user + system;
}

/** Counters of the loop, while it beats. */
class LoopCounters {
  readonly #thread = threadName();
  readonly #lateness = new Float64Array(BEATS_PER_READING);
  #beats = 0;
  #lastBeat = 0;
  #readAt = 0;
  #readIdle = 0;

  /** @param late milliseconds that a beat would have been late just now. */
  begin(late: number): void {
    this.#lastBeat = clock();
    this.#readAt = this.#lastBeat - late;
    this.#readIdle = timing.idleTime + lostWaits.total;
    this.#lateness[0] = late;
    this.#beats = late > 0 ? 1 : 0;
  }

  /** @returns percentage of the time in which the loop was busy, where it was read now, else Infinity. */
  beat(time: number): number {
    const lateness = this.#lateness;
    lateness[this.#beats++] = Math.max(0, time - this.#lastBeat - HEARTBEAT_MS);
    this.#lastBeat = time;
    if (this.#beats < BEATS_PER_READING) return Infinity;
    this.#beats = 0;
    const idle = timing.idleTime + lostWaits.total;
    const share = 1 - (idle - this.#readIdle) / (time - this.#readAt);
    const utilization = Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
    this.#readAt = time;
    this.#readIdle = idle;
    lateness.sort();
    this.#count('utilization', utilization, CounterUnit.percent, time);
    this.#count('delay p50', lateness[BEATS_PER_READING >> 1]!, CounterUnit.millis, time);
    this.#count('delay p99', lateness[Math.floor(BEATS_PER_READING * 0.99)]!, CounterUnit.millis, time);
    this.#count('delay max', lateness[BEATS_PER_READING - 1]!, CounterUnit.millis, time);
    return utilization;
  }

  #count(name: string, value: number, unit: number, time: number): void {
    record(RecordKind.counter, nameId(`${this.#thread} loop ${name}`), unit, time, value);
  }
}
