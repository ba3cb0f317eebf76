/**
 * Turns of this thread's event loop: those that took long become records, and every turn stamps the thread as alive, so that
 * the watchdog (watchdog.ts) sees when one does not end. Also utilisation and delay of the loop as counters.
 *
 * A turn is what runs between two waits of the loop. An immediate that does not keep the process alive runs once a turn,
 * right after the callbacks of I/O; then come timers, then the wait. So what was busy since the last immediate is the timers
 * of the turn before, the wait, and the callbacks of this one; a timer of our own tells the first from the last.
 */
import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { Control, CounterUnit, PROBE_KEY, RecordKind } from '../ring.ts';
import { threadName } from '../thread-name.ts';
import { control, currentTaskId, innermostRegion, nameId, record, stampAlive } from '../thread-recorder.ts';
import { stackFrames } from './stack-frames.ts';

// Bound early: test tools replace them.
const { setImmediate, clearImmediate, setInterval, clearInterval } = globalThis;
const clock: () => number = performance.now.bind(performance);

/** How often the loop wakes to show that it is alive. Watchdog and end of a block in a timer are as exact as this is short. */
export const HEARTBEAT_MS = 10;
/** Beats between two readings of the counters. */
const BEATS_PER_READING = 50;
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
let isRunning = false;
/** Time and idle time of the loop at the last immediate. */
let last = 0;
let lastIdle = 0;
/** Latest beat since then before the loop waited: until then it was busy. 0 = none. */
let busyUntil = 0;
/** Callbacks of I/O that the loop had made at the last beat. */
let beatEvents = 0;
/** From this length on a turn is recorded. */
let turnMillis = Infinity;

export function startEventLoop(): () => void {
  isRunning = true;
  turnMillis = control[Control.turnMicros]! / 1000;
  const global = globalThis as unknown as Record<symbol, unknown>;
  const key = Symbol.for(PROBE_KEY);
  global[key] = probe;
  begin();
  let immediate = setImmediate(onTurn);
  immediate.unref();
  function onTurn(): void {
    endTurn();
    immediate = setImmediate(onTurn);
    immediate.unref();
  }
  const counters = startCounters();
  const heartbeat = setInterval(() => {
    const time = clock();
    if (timing.idleTime === lastIdle) busyUntil = time;
    beatEvents = timing.uvMetricsInfo.events;
    counters(time);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return () => {
    isRunning = false;
    endTurn();
    stampAlive(0);
    clearImmediate(immediate);
    clearInterval(heartbeat);
    if (global[key] === probe) delete global[key];
  };
}

function begin(): void {
  last = clock();
  lastIdle = timing.idleTime;
  busyUntil = 0;
  stampAlive(last);
}

function endTurn(): void {
  // hot: once a turn.
  const time = clock();
  const idle = timing.idleTime;
  const busy = time - last - (idle - lastIdle);
  if (busy >= turnMillis) recordTurns(time, busy, idle - lastIdle);
  last = time;
  lastIdle = idle;
  busyUntil = 0;
  stampAlive(time);
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

/** The wait is over. */
export function unparkThread(): void {
  if (!isMainThread && isRunning) begin();
}

/** What the watchdog asks for while the loop is blocked, by an expression that is the outermost frame here; answers in JSON. */
function probe(): string {
  const time = clock();
  const waited = timing.idleTime - lastIdle;
  const start = Math.max(busyUntil, last) + waited;
  if (hasThreadCpu) void Reflect.apply(then, settled, [markEnd]);
  const frames = stackFrames(probe).slice(1);
  return JSON.stringify([time, Math.min(start, time), innermostRegion(), currentTaskId(), frames]);
}

/**
 * Runs as soon as the code that blocks is through: what comes after it may be long, though it takes no time of its own, where
 * threads outnumber processors. Asked for by a promise alone, for no other queue may be touched in the middle of other code.
 */
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

/** Counters of the loop; called with each beat. */
function startCounters(): (time: number) => void {
  const thread = threadName();
  const lateness = new Float64Array(BEATS_PER_READING);
  let beats = 0;
  let lastBeat = last;
  let readAt = last;
  let readIdle = lastIdle;
  const count = (name: string, value: number, unit: number, time: number): void =>
    record(RecordKind.counter, nameId(`${thread} loop ${name}`), unit, time, value);
  return (time) => {
    lateness[beats++] = Math.max(0, time - lastBeat - HEARTBEAT_MS);
    lastBeat = time;
    if (beats < BEATS_PER_READING) return;
    beats = 0;
    const idle = timing.idleTime;
    const share = 1 - (idle - readIdle) / (time - readAt);
    readAt = time;
    readIdle = idle;
    lateness.sort();
    count('utilization', Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10, CounterUnit.percent, time);
    count('delay p50', lateness[BEATS_PER_READING >> 1]!, CounterUnit.millis, time);
    count('delay p99', lateness[Math.floor(BEATS_PER_READING * 0.99)]!, CounterUnit.millis, time);
    count('delay max', lateness[BEATS_PER_READING - 1]!, CounterUnit.millis, time);
  };
}
