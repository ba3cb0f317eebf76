/**
 * Records events of this thread into its ring. Module state, because there is one recorder a thread.
 *
 * Everything here may run millions of times a second in the user's code: clock reads and a few stores, no allocation, no
 * I/O, no throw. A full ring drops the newest record and counts it. Budget: bench/calls.mjs. One file, because its parts share
 * the variables of the module: what is imported is loaded anew at each use, 1 ns each.
 */
import { AsyncLocalStorage, executionAsyncId } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import { isMainThread, threadId } from 'node:worker_threads';
import { claimBlock } from './claim-block.ts';
import { clockOffset } from './clock-offset.ts';
import { osThreadId } from './os-thread-id.ts';
import {
  type Block,
  BlockState,
  Control,
  Header,
  KIND_SHIFT,
  LastWords,
  lastWords,
  MAX_OPEN,
  OTHER_NAME_ID,
  RecordKind,
  SLOT_BYTES,
  Stamp,
} from './ring.ts';
import { sharedMemory } from './shared-memory.ts';
import { threadName } from './thread-name.ts';

/** Distinct names a thread may use; later ones are recorded as `(other)`. */
export const MAX_NAMES = 16_384;

const memory = sharedMemory();
/** Shared with all threads. Its field `Control.recording`, at 0, is what every recording call checks first. */
export const control: Int32Array = memory.control;
const onOff = control;
const RECENT_NAMES = 256;
/**
 * A plain store of `head` is enough where the processor keeps stores in order (x86): a reader that sees the new head sees
 * the record. `Atomics.store` would wait there for every store before it, 10 ns a record. Elsewhere it must.
 */
const KEEPS_STORE_ORDER = process.arch === 'x64' || process.arch === 'ia32';
const encoder = new TextEncoder();
/** Longest text of one record, in UTF-16 units; the callers clip theirs before. */
const MAX_TEXT = 16_384;
const scratch = new Uint8Array(MAX_TEXT * 3);
/** Bound once: test tools that replace `performance.now` must not reach the recorder. */
const clock: () => number = performance.now.bind(performance);
const nextTick: typeof process.nextTick = process.nextTick.bind(process);

// Constants of this module: properties of an imported object are loaded anew at each use.
const HEAD = Header.head;
const DEPTH = Header.depth;
const DROPPED = Header.dropped;
const UNWRITTEN = Header.unwritten;
const LAST_WORDS = Header.lastWords;
const REGION = RecordKind.region << KIND_SHIFT;
const FLOW = RecordKind.flow << KIND_SHIFT;
const NO_BLOCK: Block = {
  header: new Int32Array(64),
  stamps: new Float64Array(5),
  openStart: new Float64Array(MAX_OPEN),
  openName: new Uint32Array(MAX_OPEN * 2),
  openFlow: new Float64Array(MAX_OPEN * 2),
  doubles: new Float64Array(3),
  integers: new Uint32Array(6),
  bytes: Buffer.alloc(SLOT_BYTES),
  mask: 0,
};

/** Recording this thread has its block for; 0 = none. */
let enrolled = 0;
/** Whether the recording that the thread takes part in has ended, and the collector waits for what it has to say yet. */
let isSpeakingLast = false;
/** Recording that had no block for this thread. */
let refused = 0;
let { header, stamps, openStart, openName, openFlow, doubles, integers, bytes, mask } = NO_BLOCK;
/** Next slot, and the slot at which the ring is full as far as known. Both wrap as int32. */
let head = 0;
let limit = 0;
let depth = 0;
/** Starts of the open regions beyond those that the block has room for. */
const deepStarts: number[] = [];
/** The thread's last time. In an array, because V8 12 and newer box the number anew at each store to a variable: 10 ns a region. */
const lastTime = new Float64Array(1);
/** Id of the task that the code runs in. */
const taskContext = new AsyncLocalStorage<number>();
/**
 * Node 20 and 22 keep the store on the current async resource, so that it cannot change while `executionAsyncId` stays the
 * same, save by `runInTask`; a lookup there costs 18 ns in programs with many kinds of resources, the id 1 ns. Newer
 * versions keep no ids for promises, and a lookup costs 8 ns.
 */
const STORES_ON_RESOURCES = '_enable' in taskContext;
let taskAsyncId = 0;
let taskOfAsyncId = 0;
/** Whether this thread ever had a task: until then regions need not ask. */
let hasTasks = false;
/** Names seen lately, at a hash of their length and last two characters: 8 ns where the Map takes 24. */
const recentNames: (string | undefined)[] = new Array(RECENT_NAMES).fill(undefined);
const recentIds = new Uint32Array(RECENT_NAMES);
const names: Map<string, number> = new Map();
/** The same for names of the runtime's own events, by category. */
const sourceNames: Map<string, Map<string, number>> = new Map();
let nextNameId = OTHER_NAME_ID + 1;
/** Stacks that the collector knows by a number, from 1 on. */
const stackIds: Map<string, number> = new Map();
const MAX_STACKS = 1000;

/** Number of the running recording if this thread takes part in it, else 0. Enrols the thread on its first call. */
export function activeRecording(): number {
  // hot
  const recording = onOff[0]!;
  if (recording === 0) return 0;
  return recording === enrolled || enrol(recording) ? recording : 0;
}

/**
 * The same while regions are only recorded. While somebody looks at each of them it is never the number of a recording, so that the
 * fast paths, which compare with it instead, cost nothing more for that.
 */
let plain = 0;
let isObserved = false;

/** As `activeRecording`; the negative number while somebody looks at each region of this thread. */
export function plainRecording(): number {
  // hot
  const recording = onOff[0]!;
  if (recording === plain || recording === 0) return recording;
  if (recording !== enrolled && !enrol(recording)) return 0;
  return isObserved ? -recording : recording;
}

/** Says whether somebody looks at each region of this thread from now on: the function that `runRegion` is then given. */
export function observeRegions(isOn: boolean): void {
  isObserved = isOn;
  plain = isOn ? 0 : enrolled;
}

/** Called whenever this thread has begun to take part in a recording. */
let onEnrolled: () => void = () => {};

/** Sets who is told when this thread begins to take part in a recording. One a thread: thread-sources.ts. */
export function whenEnrolled(listener: () => void): void {
  onEnrolled = listener;
}

/** Whether a recording runs; may be out of date by the time it returns. */
export function isRecording(): boolean {
  return onOff[0] !== 0;
}

/**
 * Milliseconds on the thread's clock, strictly increasing by at least a nanosecond: begins and ends of one thread never
 * tie, so that nesting is always plain from the times.
 */
export function now(): number {
  // hot
  let time = clock();
  if (time <= lastTime[0]!) time = lastTime[0]! + 1e-6;
  lastTime[0] = time;
  return time;
}

/** Id of the name of the innermost open region, 0 without any. */
export function innermostRegion(): number {
  return depth === 0 ? 0 : openName[Math.min(depth, MAX_OPEN) - 1]!;
}

/** Puts a region on the stack of open regions and returns its depth. The caller has checked `activeRecording`. */
export function openRegion(nameId: number, task: number, start: number): number {
  // hot
  if (depth < MAX_OPEN) {
    openStart[depth] = start;
    openName[depth] = nameId;
    openName[depth + MAX_OPEN] = task;
  } else deepStarts[depth - MAX_OPEN] = start;
  const own = depth++;
  header[Header.depth] = depth;
  return own;
}

/** The same, of a region that a flow leads to: known while it is open, should it last long. */
export function openRegionAt(flow: number, nameId: number, task: number, start: number): number {
  // hot: bench/messages.mjs
  if (depth < MAX_OPEN) {
    openFlow[depth * 2] = flow;
    openFlow[depth * 2 + 1] = start;
  }
  return openRegion(nameId, task, start);
}

/** Whether the region with this start is still on the stack: one around it, closed before it, takes it off. */
function isOpenAt(ownDepth: number, start: number): boolean {
  // hot
  if (ownDepth >= depth) return false;
  return (ownDepth < MAX_OPEN ? openStart[ownDepth] : deepStarts[ownDepth - MAX_OPEN]) === start;
}

/**
 * Takes a region off the stack, and everything that was left open inside it. False if it is not there any more, because one
 * around it was closed before it.
 */
export function closeRegion(start: number, ownDepth: number): boolean {
  // hot
  if (!isOpenAt(ownDepth, start)) return false;
  depth = ownDepth;
  header[Header.depth] = ownDepth;
  return true;
}

/**
 * Whether this thread still has its place in the recording. When that has ended, which another thread may do at any time, the
 * thread's memory may be somebody else's: what goes on longer must ask again before it writes.
 */
export function isTakingPart(): boolean {
  // hot
  return onOff[0] === enrolled && enrolled !== 0;
}

/**
 * Counts what this thread has open and writes only when that ends, so that the collector knows of how much to wait for when the recording
 * has ended.
 */
export function noteUnwritten(change: 1 | -1): void {
  // hot: twice a span of OpenTelemetry.
  if (onOff[0] !== enrolled) return;
  header[UNWRITTEN]! += change;
  // Main has its say before the end.
  if (header[LAST_WORDS] === 0 && !isMainThread) header[LAST_WORDS] = lastWords(enrolled, LastWords.wanted);
}

/**
 * Whether this thread may write once more though the recording has ended, because the collector waits for it: then until `endLastWords`,
 * which must follow.
 */
export function beginLastWords(): boolean {
  if (enrolled === 0 || onOff[0] === enrolled) return false;
  const wanted = lastWords(enrolled, LastWords.wanted);
  const speaking = lastWords(enrolled, LastWords.speaking);
  isSpeakingLast = Atomics.compareExchange(header, LAST_WORDS, wanted, speaking) === wanted;
  return isSpeakingLast;
}

export function endLastWords(): void {
  isSpeakingLast = false;
  Atomics.store(header, LAST_WORDS, lastWords(enrolled, LastWords.over));
  Atomics.add(control, Control.wake, 1);
  Atomics.notify(control, Control.wake);
}

/** Number of the recording in which this thread has its last words now, else 0. */
export function lateRecording(): number {
  return isSpeakingLast ? enrolled : 0;
}

/** Writes a record of one slot, unless the recording is over. */
export function record(kind: number, nameId: number, task: number, first: number, second: number): void {
  // hot
  if (onOff[0] !== enrolled && !isSpeakingLast) return;
  if (((head - limit) | 0) >= 0 && !hasRoom(1)) {
    header[Header.dropped]!++;
    return;
  }
  const slot = (head & mask) * 3;
  doubles[slot] = first;
  doubles[slot + 1] = second;
  const field = (slot << 1) + 4;
  integers[field] = (kind << KIND_SHIFT) | nameId;
  integers[field + 1] = task;
  head = (head + 1) | 0;
  if (KEEPS_STORE_ORDER) header[HEAD] = head;
  else Atomics.store(header, HEAD, head);
}

/**
 * Writes a record with a text, a flow's end and a stack (0 = none) before it, all or nothing, unless the recording is over.
 * @param stack from `stackId`.
 */
export function recordWith(
  text: string,
  flow: number,
  flowDirection: 0 | 1,
  kind: number,
  nameId: number,
  task: number,
  first: number,
  second: number,
  stack = 0,
): void {
  if (onOff[0] !== enrolled && !isSpeakingLast) return;
  const length = encodeText(text);
  const slots =
    (length === 0 ? 0 : 1 + Math.ceil(length / SLOT_BYTES)) +
    (flow === 0 ? 0 : 1) +
    (stack === 0 ? 0 : 1) +
    1;
  if (!hasRoom(slots)) {
    header[Header.dropped]!++;
    return;
  }
  if (length > 0) putText(length);
  if (flow !== 0) put(RecordKind.flow, flowDirection, 0, flow, 0);
  if (stack !== 0) put(RecordKind.stack, 0, stack, 0, 0);
  put(kind, nameId, task, first, second);
  Atomics.store(header, Header.head, head);
}

/**
 * As `recordWith`, with the text of the name `textId`: a tenth of its cost, for neither side handles the text again. Without
 * one where the id is 0.
 */
export function recordWithTextOf(
  textId: number,
  kind: number,
  nameId: number,
  task: number,
  first: number,
  second: number,
  flow = 0,
  flowDirection: 0 | 1 = 0,
): void {
  // hot: twice a request served.
  if (onOff[0] !== enrolled) return;
  if (((head + 3 - limit) | 0) > 0 && !hasRoom(3)) {
    header[DROPPED]!++;
    return;
  }
  if (textId !== 0) put(RecordKind.text, textId, 0, 0, 0);
  if (flow !== 0) put(RecordKind.flow, flowDirection, 0, flow, 0);
  put(kind, nameId, task, first, second);
  if (KEEPS_STORE_ORDER) header[HEAD] = head;
  else Atomics.store(header, HEAD, head);
}

/** Writes a region with a flow's end (id 0 = none), both or neither, unless the recording is over: `recordWith` at half its cost. */
export function recordRegionWithFlow(
  flow: number,
  flowDirection: 0 | 1,
  nameId: number,
  task: number,
  start: number,
  end: number,
): void {
  // hot: bench/messages.mjs
  if (onOff[0] !== enrolled) return;
  if (((head + 2 - limit) | 0) > 0 && !hasRoom(2)) {
    header[DROPPED]!++;
    return;
  }
  if (flow !== 0) {
    const slot = (head & mask) * 3;
    doubles[slot] = flow;
    doubles[slot + 1] = 0;
    const field = (slot << 1) + 4;
    integers[field] = FLOW | flowDirection;
    integers[field + 1] = 0;
    head = (head + 1) | 0;
  }
  const slot = (head & mask) * 3;
  doubles[slot] = start;
  doubles[slot + 1] = end;
  const field = (slot << 1) + 4;
  integers[field] = REGION | nameId;
  integers[field + 1] = task;
  head = (head + 1) | 0;
  if (KEEPS_STORE_ORDER) header[HEAD] = head;
  else Atomics.store(header, HEAD, head);
}

/** Id of a name in this thread's part of the recording. */
export function nameId(name: string): number {
  // hot
  if (typeof name !== 'string') return nameId(safeText(name));
  const { length } = name;
  const place =
    (length + (length > 1 ? name.charCodeAt(length - 1) * 5 + name.charCodeAt(length - 2) * 11 : 0)) &
    (RECENT_NAMES - 1);
  if (recentNames[place] === name) return recentIds[place]!;
  const id = names.get(name) ?? defineName(name);
  // `(other)` may stand for a name that only found no room this time.
  if (id !== OTHER_NAME_ID) {
    recentNames[place] = name;
    recentIds[place] = id;
  }
  return id;
}

/**
 * Id of a name of the runtime's own events, which have a category of their own. A thread forgets it with the recording: ask
 * again when a source starts.
 */
export function sourceName(category: string, name: string): number {
  let known = sourceNames.get(category);
  if (known === undefined) {
    known = new Map();
    sourceNames.set(category, known);
  }
  const id = known.get(name);
  if (id !== undefined) return id;
  const defined = defineName(name, category);
  if (defined !== OTHER_NAME_ID) known.set(name, defined);
  return defined;
}

/**
 * Number of a stack for `recordWith`, 0 where there is no room for another one. For one recording.
 * @param text JSON of `RawFrame`s, in 16,384 UTF-16 units.
 */
export function stackId(text: string): number {
  const known = stackIds.get(text);
  if (known !== undefined) return known;
  if (stackIds.size >= MAX_STACKS || (onOff[0] !== enrolled && !isSpeakingLast)) return 0;
  const length = encodeText(text);
  if (!hasRoom(2 + Math.ceil(length / SLOT_BYTES))) return 0;
  const id = stackIds.size + 1;
  putText(length);
  put(RecordKind.stack, 1, id, 0, 0);
  Atomics.store(header, Header.head, head);
  stackIds.set(text, id);
  return id;
}

/** Says that the thread is between two callbacks at this time of its own clock; 0: that it will not say so any more. */
export function stampAlive(time: number): void {
  // hot: once a turn of the loop.
  if (onOff[0] === enrolled) stamps[Stamp.alive] = time;
}

/** Says something else of the thread: @param field of `Stamp`. */
export function stamp(field: number, value: number): void {
  if (onOff[0] === enrolled) stamps[field] = value;
}

/** Id of the current task, 0 outside tasks. */
export function currentTaskId(): number {
  // hot: 1 ns until the thread's first task.
  if (!hasTasks) return 0;
  if (!STORES_ON_RESOURCES) return taskContext.getStore() || taskOutside();
  const asyncId = executionAsyncId();
  if (asyncId === taskAsyncId && asyncId !== 0) return taskOfAsyncId || taskOutside();
  taskAsyncId = asyncId;
  taskOfAsyncId = taskContext.getStore() ?? 0;
  return taskOfAsyncId || taskOutside();
}

/** Task of code that runs in none of ours: where spans of OpenTelemetry are tasks, that of the active span. */
let taskOutside: () => number = () => 0;

/** Sets who knows the task of code that seems to run in none. It returns 0 for none, and does not throw. */
export function whenOutsideTasks(find: () => number): void {
  hasTasks = true;
  taskOutside = find;
}

/** Runs `fn` inside the task with this id. */
export function runInTask<T, Arguments extends unknown[]>(
  taskId: number,
  fn: (...args: Arguments) => T,
  ...args: Arguments
): T {
  hasTasks = true;
  taskAsyncId = 0;
  const start = areTaskRunsRecorded ? now() : 0;
  try {
    return taskContext.run(taskId, fn, ...args);
  } finally {
    taskAsyncId = 0;
    if (start !== 0) record(RecordKind.taskRun, 0, taskId, start, now());
  }
}

/** Makes a task the current one from here on in this asynchronous context, where there is no function to run it around. */
export function enterTask(taskId: number): void {
  hasTasks = true;
  taskAsyncId = 0;
  taskContext.enterWith(taskId);
  // Node.js runs this as soon as the callback that has entered the task returns.
  if (areTaskRunsRecorded) nextTick(endTaskRun, taskId, now());
}

function endTaskRun(taskId: number, start: number): void {
  record(RecordKind.taskRun, 0, taskId, start, now());
}

/** Whether stretches of code that run in a task are recorded, so that CPU samples taken in them have it. */
let areTaskRunsRecorded = false;
let taskRunReaders = 0;

/** Switches that on or off, for one of those that want it. */
export function recordTaskRuns(isOn: boolean): void {
  taskRunReaders = Math.max(0, taskRunReaders + (isOn ? 1 : -1));
  areTaskRunsRecorded = taskRunReaders > 0;
}

/** Is told that a region's function returned a promise; returns what the caller gets instead. */
export type OnPromise = (
  promise: Promise<unknown>,
  nameId: number,
  name: string,
  task: number,
  start: number,
  recording: number,
) => unknown;

/**
 * Runs `fn` as a region of this thread. The hottest function of the SDK, so everything it does stands here in one piece:
 * put together from the functions above it took 20 ns more (bench/calls.mjs).
 */
export function runRegion<T>(
  name: string,
  fn: () => T,
  onPromise: OnPromise,
  onObserved?: (name: string, fn: () => T) => T,
): T {
  // hot: budget 1.3 x two clock reads.
  const recording = onOff[0]!;
  if (recording !== plain) {
    if (recording !== enrolled && !enrol(recording)) return fn();
    if (isObserved && onObserved !== undefined) return onObserved(name, fn);
  }
  const label = nameId(name);
  const task = currentTaskId();
  let start = clock();
  if (start <= lastTime[0]!) start = lastTime[0]! + 1e-6;
  lastTime[0] = start;
  const ownDepth = depth;
  if (ownDepth < MAX_OPEN) {
    openStart[ownDepth] = start;
    openName[ownDepth] = label;
    openName[ownDepth + MAX_OPEN] = task;
  } else deepStarts[ownDepth - MAX_OPEN] = start;
  depth = ownDepth + 1;
  header[DEPTH] = depth;
  let result: T;
  try {
    result = fn();
  } catch (error) {
    if (recording === onOff[0]) endRegion(label, task, start, ownDepth);
    throw error;
  }
  if (recording !== onOff[0]) return result;
  const isOpen = isOpenAt(ownDepth, start);
  if (isOpen) {
    depth = ownDepth;
    header[DEPTH] = ownDepth;
  }
  if (typeof result === 'object' && result instanceof Promise) {
    return onPromise(result, label, name, task, start, recording) as T;
  }
  if (!isOpen) {
    recordLate('', label, task, start);
    return result;
  }
  let end = clock();
  if (end <= lastTime[0]!) end = lastTime[0]! + 1e-6;
  lastTime[0] = end;
  if (((head - limit) | 0) >= 0 && !hasRoom(1)) {
    header[DROPPED]!++;
    return result;
  }
  const slot = (head & mask) * 3;
  doubles[slot] = start;
  doubles[slot + 1] = end;
  const field = (slot << 1) + 4;
  integers[field] = REGION | label;
  integers[field + 1] = task;
  head = (head + 1) | 0;
  if (KEEPS_STORE_ORDER) header[HEAD] = head;
  else Atomics.store(header, HEAD, head);
  return result;
}

/** Closes a region that `openRegion` opened, and records it. */
export function endRegion(nameId: number, task: number, start: number, ownDepth: number): void {
  // hot
  if (closeRegion(start, ownDepth)) record(RecordKind.region, nameId, task, start, now());
  else recordLate('', nameId, task, start);
}

/** Records a region that ends after one around it, and so does not nest: it gets a track of its own. */
export function recordLate(text: string, nameId: number, task: number, start: number): void {
  const id = nextId();
  const end = now();
  recordWith(text, id, 0, RecordKind.asyncBegin, nameId, task, start, end);
  record(RecordKind.asyncEnd, nameId, task, end, id);
}

/** A new id, unique in the process: tasks, flows and async regions draw from one sequence. */
export function nextId(): number {
  // The sequence of a child process begins in the upper half of 32 bits. It starts anew after 4 billion; 0 is no id.
  return (Atomics.add(control, Control.lastId, 1) + 1) >>> 0 || nextId();
}

/** Lets the ids of this process begin behind `last`, for processes whose traces are put together. Before the first id. */
export function beginIdsAt(last: number): void {
  Atomics.store(control, Control.lastId, last | 0);
}

function defineName(name: string, category = ''): number {
  if (nextNameId >= MAX_NAMES) return OTHER_NAME_ID;
  const length = encodeText(category + (name.length > 512 ? `${name.slice(0, 512)}…` : name));
  // A name that finds no room is not defined: its next use tries again.
  if (!hasRoom(3 + Math.ceil(length / SLOT_BYTES))) return OTHER_NAME_ID;
  const id = nextNameId++;
  putText(length);
  put(RecordKind.name, id, category.length, 0, 0);
  Atomics.store(header, Header.head, head);
  if (category === '') names.set(name, id);
  return id;
}

function safeText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return '[unreadable]';
  }
}

/** Whether `slots` more slots are free; asks the collector's tail again. */
function hasRoom(slots: number): boolean {
  limit = (Atomics.load(header, Header.tail) + mask + 1) | 0;
  return ((head + slots - limit) | 0) <= 0;
}

function put(kind: number, name: number, task: number, first: number, second: number): void {
  const slot = (head & mask) * 3;
  doubles[slot] = first;
  doubles[slot + 1] = second;
  integers[slot * 2 + 4] = (kind << KIND_SHIFT) | name;
  integers[slot * 2 + 5] = task;
  head = (head + 1) | 0;
}

/** Puts the text that `encodeText` left in `scratch`. */
function putText(length: number): void {
  put(RecordKind.text, 0, 0, length, 0);
  const at = (head & mask) * SLOT_BYTES;
  const fits = Math.min(length, bytes.length - at);
  for (let i = 0; i < fits; i++) bytes[at + i] = scratch[i]!;
  for (let i = fits; i < length; i++) bytes[i - fits] = scratch[i]!;
  head = (head + Math.ceil(length / SLOT_BYTES)) | 0;
}

/** Leaves a text as UTF-8 in `scratch`; returns its length in bytes. Nothing is allocated for texts in ASCII. */
function encodeText(text: string): number {
  const { length } = text;
  if (length > MAX_TEXT) return encodeText(text.slice(0, MAX_TEXT));
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return encoder.encodeInto(text, scratch).written;
    scratch[i] = unit;
  }
  return length;
}

/** Takes a block for a recording that this thread has not taken part in yet. */
function enrol(recording: number): boolean {
  if (recording === 0 || recording === refused) return false;
  const block = claimBlock(memory, recording);
  if (block === undefined) {
    refused = recording;
    Atomics.add(control, Control.refusedThreads, 1);
    return false;
  }
  ({ header, stamps, openStart, openName, openFlow, doubles, integers, bytes, mask } = block);
  head = 0;
  limit = 0;
  depth = 0;
  deepStarts.length = 0;
  names.clear();
  sourceNames.clear();
  stackIds.clear();
  nextNameId = OTHER_NAME_ID + 1;
  recentNames.fill(undefined);
  enrolled = recording;
  plain = isObserved ? 0 : recording;
  putText(encodeText(threadName()));
  put(RecordKind.thread, threadId, 0, clockOffset(clock), osThreadId());
  Atomics.store(header, Header.head, head);
  Atomics.store(header, Header.state, BlockState.live);
  onEnrolled();
  return true;
}
