/**
 * The layout of the memory that all threads of a process share while recording. Private to the SDK: threads write it
 * (thread-recorder.ts), the collector reads it (drain.ts), nothing else knows it.
 *
 * - `control`: a few integers, shared from the moment the SDK is imported, so that every thread sees on/off at once.
 * - `arena`: one block a thread = header + stack of open regions + ring of slots. It grows by a block as threads enrol.
 *
 * Only the owner of a block writes its head, only the collector its tail. Both count slots modulo 2^32, as int32.
 */

/** Indexes into `control` (Int32Array). */
export const Control = {
  /** Number of the running recording, 0 = off. What every recording call checks first. */
  recording: 0,
  /** The last recording's number. */
  lastRecording: 1,
  /** Last id given to a task, a flow or an async region; never starts again, so ids are unique in a process. */
  lastId: 2,
  /** `CollectorState`. */
  state: 3,
  /** Changes when the collector should look at once; it sleeps on this. */
  wake: 4,
  /** Counts the collector's rounds: shows that it lives. */
  rounds: 5,
  /** log2 of the slots in a ring. */
  slotsLog2: 6,
  /** Blocks handed out so far (high-water mark). */
  blocks: 7,
  /** Threads that found no block. */
  refusedThreads: 8,
  /** Length of the error text at `ERROR_OFFSET`, 0 = none. */
  errorBytes: 9,
  /** 1 from start until a stop is complete, so that a second copy of the SDK does not start as well. */
  owner: 10,
  /** Which runtime sources the threads record: bits of source-options.ts. */
  sources: 12,
  /** Turns of an event loop from this length on are recorded, and called blocks from this one on; microseconds. */
  turnMicros: 13,
  blockMicros: 14,
  /** Ports handed over so far. */
  transfers: 15,
  /** Time between two CPU samples, microseconds. */
  sampleMicros: 16,
  /** Whether the inspector may be used: workers cannot ask. */
  canInspect: 17,
  /** Threads of the thread pool, and operations handed to it and back, of all threads; how many of them look up names. */
  poolThreads: 18,
  poolSubmitted: 19,
  poolDone: 20,
  lookupsSubmitted: 21,
  lookupsDone: 22,
  /** Whether the collector sees by itself that a loop waits: then idle ones need not say so. */
  seesWaits: 23,
  /** Message queues that have a counter. */
  shownQueues: 24,
  /** Questions to workers that are not answered yet, and workers that are about to be ended: worker-questions.ts. */
  openQuestions: 25,
  endingWorkers: 26,
} as const;

export const CollectorState = { starting: 0, running: 1, finishing: 2, finished: 3 } as const;

export const CONTROL_BYTES = 208_384;
/** Where in `control` the collector leaves the text of an error for threads that cannot wait for a message. */
export const ERROR_OFFSET = 1024;
/** Where in `control` the identities of ports lie that are on their way to another thread: `TRANSFERS` entries of doubles. */
export const TRANSFER_OFFSET = 4096;
export const TRANSFERS = 128;
/** Carrying message's flow id, index among its ports, kind and side, channel, count sent, count received. */
export const TRANSFER_FIELDS = 6;
/** Where in `control` the times lie at which operations of the thread pool came back: the last so many, twice, as doubles. */
export const POOL_OFFSET = 10_240;
export const POOL_ENDS = 1024;
/** Where in `control` the lengths of message queues lie: so many entries of so many integers. */
export const QUEUE_OFFSET = 26_624;
export const QUEUES = 256;
export const QUEUE_INTS = 48;
/** Where in `control` the BroadcastChannels lie, by name: so many entries of three integers. */
export const BROADCAST_OFFSET = 75_776;
export const BROADCASTS = 128;
export const BROADCAST_INTS = 3;
/** Where in `control` it lies which task and which message is in which trace: so many entries of eight integers. */
export const TRACE_OFFSET = 77_312;
export const TRACE_ENTRIES = 4096;

/** Address space, not memory: pages count from their first use. */
export const ARENA_MAX_BYTES: number = 2 ** 31;

/** One slot: start f64, end or value f64, kind and name u32, task u32. */
export const SLOT_BYTES = 24;

/** Slots a ring has by default: 12 MiB, 87 ms of a thread that does nothing but record 6 M regions/s. */
export const DEFAULT_SLOTS_LOG2 = 19;

/** What a slot holds; the upper five bits of its third field. The lower 24 bits are the name's id. */
export const RecordKind = {
  /** Region of code on the thread: start, end. */
  region: 1,
  /** Region that goes on outside of its thread: start, time at which the thread left it; its id stands before, as a flow's. */
  asyncBegin: 2,
  /** Its end: time, id. A text before it is the JSON of more attributes. */
  asyncEnd: 3,
  /** Task: time, parent's id. Its own id stands in the task field. */
  taskBegin: 4,
  /** Its end: time. A text before it is the JSON of more attributes. */
  taskEnd: 5,
  /** Log: time; the text comes before. */
  log: 6,
  /** Counter: time, value; task field: `CounterUnit`. */
  counter: 7,
  /** Belongs to the next record: id of a flow or an async region; name field: 0 = out, 1 = in. */
  flow: 8,
  /** Belongs to the next record: byte length of a text that fills the next slots; or, with a name, that name's text again. */
  text: 9,
  /** Defines the name id by the text before it; task field: how many of the text's UTF-16 units are the name's category. */
  name: 10,
  /** Says who the thread is: clock offset in ns, OS thread id; name field: thread id; text: its name. */
  thread: 11,
  /** Slice that is over and never was on the stack of open regions, such as a GC: start, end. It nests by its times. */
  slice: 12,
  /** Turn of the event loop: start, end. */
  turn: 13,
  /** Moment on the thread: time; a text before it is the JSON of its attributes. */
  instant: 14,
  /** A piece of a CPU profile, as the text before it; name field: 1 for the last one. */
  profile: 15,
  /** End of the task of a served request: time, answer by `ANSWER_STATUSES`; a text before it is the JSON of its route. */
  requestEnd: 16,
  /** Stretch of code that ran in a task, for CPU samples: start, end. */
  taskRun: 17,
  /** Belongs to the next record: number of a stack in the task field. With name field 1 it defines the number by the text before it. */
  stack: 18,
} as const;

/** Answer of a request as one number: status + this * (bytes of its body + 1), where no bytes + 1 say that they are not known. */
export const ANSWER_STATUSES = 1024;

/** What a counter counts. */
export const CounterUnit = { none: 0, bytes: 1, millis: 2, percent: 3 } as const;

export const KIND_SHIFT = 27;
export const NAME_MASK = 0xff_ffff;

/** Name id that every name past the bound shares. */
export const OTHER_NAME_ID = 1;

/** Stands in a name between what its row is called and its own text, where they differ. */
export const ROW_SEPARATOR = '\0';

/** Indexes into a block's header (Int32Array). Owner's and collector's fields lie on cache lines of their own. */
export const Header = {
  state: 0,
  recording: 1,
  threadId: 2,
  /** Thread that made it, 0 = main or not known; whether it is about to end, with all that it has made. */
  maker: 3,
  isEnding: 4,
  /** `lastWords(recording, …)`: what the thread has to say when the recording has ended; 0 = nothing. */
  lastWords: 5,
  /** Next slot to be written. */
  head: 16,
  /** Records that found no room. */
  dropped: 17,
  /** Open regions. */
  depth: 18,
  /** What is open and is only written when it ends, or with the thread's last words. */
  unwritten: 19,
  /** Doubles: `Stamp`. */
  stamps: 20,
  /** Next slot to be read. */
  tail: 32,
} as const;

/** Indexes into a block's `stamps`: what a thread says about itself at any moment. */
export const Stamp = {
  /** When it was last seen between two callbacks, in milliseconds of its own clock; 0 while it is parked, or does not say. */
  alive: 0,
  /** Its operations in the thread pool, and those of them that look up names. */
  operations: 1,
  lookups: 2,
  /** 1 while its loop is so idle that it does not show itself regularly. */
  quiet: 3,
  /** How many calls of `node:vm` it is in that have a time limit. */
  limited: 4,
} as const;

/** Where the watchdog finds what to ask a thread: key (`Symbol.for`) of a function on the thread's global object. */
export const PROBE_KEY = 'ttrace/probe';

/** Where a debug server finds how to have the tasks noted that a thread's code runs in. */
export const TASK_RUNS_KEY = 'ttrace/task-runs';

export const BlockState = { free: 0, claimed: 1, live: 2, ended: 3 } as const;

/** How a worker comes to write after the end of a recording what is open then; the number of the recording is part of it. */
export const LastWords = { wanted: 1, speaking: 2, over: 3 } as const;

/** A state of `LastWords` in a recording, as it stands in a header: a thread that comes late finds another recording's there. */
export function lastWords(recording: number, state: number): number {
  return (recording << 2) | state;
}

/** Open regions that are kept; deeper ones are recorded when they end, but not known while open. */
export const MAX_OPEN = 64;

const HEADER_BYTES = 256;
const STAMPS = 5;
const OPEN_BYTES = MAX_OPEN * 32;
const BLOCK_HEADER_BYTES = HEADER_BYTES + OPEN_BYTES;

/** Typed views of one block. */
export interface Block {
  readonly header: Int32Array;
  /** `Stamp`. */
  readonly stamps: Float64Array;
  /** Open regions: start times … */
  readonly openStart: Float64Array;
  /** … name ids, and task ids behind them. */
  readonly openName: Uint32Array;
  /** … flows that end at their begins, each with the start of the region that it is of: others leave what stands there. */
  readonly openFlow: Float64Array;
  /** The ring, as doubles and as integers. */
  readonly doubles: Float64Array;
  readonly integers: Uint32Array;
  readonly bytes: Buffer;
  readonly mask: number;
}

export function blockBytes(slotsLog2: number): number {
  return BLOCK_HEADER_BYTES + (SLOT_BYTES << slotsLog2);
}

/** Header of a block that lies inside the arena's present length. */
export function blockHeader(arena: SharedArrayBuffer, slotsLog2: number, index: number): Int32Array {
  return new Int32Array(arena, index * blockBytes(slotsLog2), HEADER_BYTES / 4);
}

export function blockAt(arena: SharedArrayBuffer, slotsLog2: number, index: number): Block {
  const offset = index * blockBytes(slotsLog2);
  const slots = 1 << slotsLog2;
  const open = offset + HEADER_BYTES;
  const ring = offset + BLOCK_HEADER_BYTES;
  return {
    header: blockHeader(arena, slotsLog2, index),
    stamps: new Float64Array(arena, offset + Header.stamps * 4, STAMPS),
    openStart: new Float64Array(arena, open, MAX_OPEN),
    openName: new Uint32Array(arena, open + MAX_OPEN * 8, MAX_OPEN * 2),
    openFlow: new Float64Array(arena, open + MAX_OPEN * 16, MAX_OPEN * 2),
    doubles: new Float64Array(arena, ring, slots * 3),
    integers: new Uint32Array(arena, ring, slots * 6),
    bytes: Buffer.from(arena, ring, slots * SLOT_BYTES),
    mask: slots - 1,
  };
}

/** Makes the arena long enough for `blocks` blocks; false when that is more than it may ever be. */
export function growArena(arena: SharedArrayBuffer, bytes: number): boolean {
  const growable = arena as SharedArrayBuffer & { readonly maxByteLength: number; grow(bytes: number): void };
  while (arena.byteLength < bytes) {
    if (bytes > growable.maxByteLength) return false;
    try {
      growable.grow(bytes);
    } catch {
      // Another thread made it longer in between, or memory is short.
      if (arena.byteLength < bytes) return false;
    }
  }
  return true;
}
