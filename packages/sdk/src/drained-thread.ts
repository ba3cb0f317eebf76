/** What drain.ts knows about one thread: where it is in the thread's ring, what the records' numbers stand for, and its tracks. */
import { Argument, Category, OTHER_NAME } from '@ttrace/format/vocabulary';
import type { StringRef, TraceWriter, TrackRef } from '@ttrace/format/writers';
import { BegunRegions } from './begun-regions.ts';
import { LabelHistory } from './debug/label-history.ts';
import { LoopTrack } from './loop-track.ts';
import type { LoopWait } from './loop-wait.ts';
import {
  type Block,
  Control,
  Header,
  LastWords,
  lastWords,
  OTHER_NAME_ID,
  ROW_SEPARATOR,
  SLOT_BYTES,
} from './ring.ts';
import { RegionHistory } from './samples/region-history.ts';
import { type CompactProfile, SampleTrack } from './samples/sample-track.ts';
import { hasSource } from './source-options.ts';
import type { RawFrame } from './sources/stack-frames.ts';
import { describeStack } from './stack-description.ts';

/** One thread, from its block and the records in it. */
export interface DrainedThread {
  readonly block: Block;
  tail: number;
  /** undefined until the thread has introduced itself. */
  track: TrackRef | undefined;
  /** Known from the same moment on. */
  begun: BegunRegions | undefined;
  loop: LoopTrack | undefined;
  wait: LoopWait | undefined;
  /** When its quiet loop was last seen to wait, in nanoseconds since the recording's origin. */
  waitedAt: number;
  /** While CPU samples are taken. */
  samples: SampleTrack | undefined;
  history: RegionHistory | undefined;
  /** While a debug server takes a CPU profile. */
  labels: LabelHistory | undefined;
  /** Whether there is any of the two. */
  isNoted: boolean;
  /** Of the profile that is being read. */
  profileText: string;
  threadId: number;
  /** Its tid as the text of an object that has it. */
  tidText: string;
  name: string;
  /** Events that found no room, as far as they are in the file. */
  dropped: number;
  /** Nanoseconds to add to the thread's clock for nanoseconds since the recording's origin. */
  offset: number;
  names: StringRef[];
  /** What the row of each name's events is called; the name itself, if it does not say anything else. */
  nameTexts: string[];
  /** Category of each name; that of regions where it has none of its own. */
  categories: StringRef[];
  categoryTexts: string[];
  /** Stacks by their numbers, each as the text of an object that has it. */
  readonly stacks: string[];
  /** Counters that the thread has written to, by name. */
  readonly counters: Map<number, TrackRef>;
  /** Belongs to the next record. */
  text: string;
  flow: number;
  flowDirection: 0 | 1;
}

/** A thread of which nothing has been read yet. @param region category of names that have none of their own. */
export function drainedThread(block: Block, otherName: StringRef, region: StringRef): DrainedThread {
  const thread: DrainedThread = {
    block,
    tail: Atomics.load(block.header, Header.tail),
    track: undefined,
    begun: undefined,
    loop: undefined,
    wait: undefined,
    waitedAt: 0,
    samples: undefined,
    history: undefined,
    labels: undefined,
    isNoted: false,
    profileText: '',
    threadId: 0,
    tidText: '',
    name: '',
    dropped: 0,
    offset: 0,
    names: [],
    nameTexts: [],
    categories: [],
    categoryTexts: [],
    stacks: [],
    counters: new Map(),
    text: '',
    flow: 0,
    flowDirection: 0,
  };
  thread.names[OTHER_NAME_ID] = otherName;
  thread.nameTexts[OTHER_NAME_ID] = OTHER_NAME;
  thread.categories[OTHER_NAME_ID] = region;
  return thread;
}

/** Defines a name by the text that was read last, whose first part is the name's category. */
export function defineName(
  thread: DrainedThread,
  id: number,
  categoryLength: number,
  writer: TraceWriter,
  region: StringRef,
): void {
  const category = thread.text.slice(0, categoryLength);
  const whole = thread.text.slice(categoryLength);
  // Elsewhere a program may call its regions anything.
  const [row = '', name = row] = category === Category.timing ? whole.split(ROW_SEPARATOR) : [whole];
  thread.names[id] = writer.string(name);
  thread.nameTexts[id] = row;
  thread.categories[id] = category === '' ? region : writer.string(category);
  thread.categoryTexts[id] = category;
  thread.text = '';
}

/** Defines a stack by the text that was read last. */
export function defineStack(thread: DrainedThread, id: number): void {
  let frames: readonly string[] = [];
  try {
    ({ frames } = describeStack(JSON.parse(thread.text) as readonly RawFrame[], false));
  } catch {
    // The program has changed what JSON makes of arrays, such as by a method toJSON.
  }
  thread.stacks[id] = frames.length === 0 ? '' : JSON.stringify({ [Argument.stack]: frames });
  thread.text = '';
}

/** Reads a text of so many bytes from the ring, and moves on behind it. */
export function readText(thread: DrainedThread, length: number): string {
  const { bytes, mask } = thread.block;
  const at = (thread.tail & mask) * SLOT_BYTES;
  thread.tail = (thread.tail + Math.ceil(length / SLOT_BYTES)) | 0;
  if (at + length <= bytes.length) return bytes.toString('utf8', at, at + length);
  // It goes on at the ring's beginning; a character may as well.
  const copy = Buffer.alloc(length);
  bytes.copy(copy, 0, at);
  bytes.copy(copy, bytes.length - at, 0, at + length - bytes.length);
  return copy.toString();
}

/** Gives a thread that has introduced itself what writes its events. @param origin Nanoseconds of `process.hrtime` at time 0. */
export function giveTracks(
  thread: DrainedThread,
  writer: TraceWriter,
  control: Int32Array,
  pid: number,
  tid: number,
  origin: number,
): void {
  const { block, name, offset } = thread;
  const track = writer.thread(pid, tid, name, thread.threadId);
  thread.track = track;
  thread.tidText = JSON.stringify({ [Argument.tid]: tid });
  const [turnMicros, blockMicros] = [control[Control.turnMicros]!, control[Control.blockMicros]!];
  thread.loop = new LoopTrack(writer, pid, tid, name, turnMicros * 1000, blockMicros * 1000);
  if (hasSource(control[Control.sources]!, 'samples')) {
    thread.history = new RegionHistory(block);
    thread.isNoted = true;
    thread.samples = new SampleTrack(writer, pid, tid, name, origin / 1000);
  }
  thread.begun = new BegunRegions(writer, track, offset, block, (id, start, task, flow) => {
    const label = thread.names[id];
    // On the way still.
    if (label === undefined) return false;
    const time = Math.round(start * 1e6) + offset;
    const flows = flow === 0 ? undefined : [{ id: flow, direction: 'in' as const }];
    writer.begin(track, label, thread.categories[id]!, time, task, '', flows);
    return true;
  });
}

/** Whether the thread, a worker, has something to write yet, of a recording that has ended. */
export function hasLastWords({ block: { header } }: DrainedThread): boolean {
  const state = Atomics.load(header, Header.lastWords) & 3;
  return state === LastWords.speaking || (state === LastWords.wanted && header[Header.unwritten]! > 0);
}

/** From here on the thread says nothing more; what it has not said counts as dropped. */
export function closeLastWords({ block: { header } }: DrainedThread): void {
  const wanted = lastWords(header[Header.recording]!, LastWords.wanted);
  const over = lastWords(header[Header.recording]!, LastWords.over);
  if (Atomics.compareExchange(header, Header.lastWords, wanted, over) !== wanted) return;
  header[Header.dropped]! += header[Header.unwritten]!;
}

/** Begins to note in which regions the thread is, for a CPU profile of a debug server, or ends that. */
export function keepLabels(thread: DrainedThread, isOn: boolean): void {
  thread.labels = isOn ? new LabelHistory(thread.block) : undefined;
  thread.isNoted = isOn || thread.history !== undefined;
}

/** Notes a region of the program itself, for the samples taken in it; with labels, a wait as well. */
export function noteRegion(
  thread: DrainedThread,
  name: number,
  task: number,
  start: number,
  end: number,
): void {
  const category = thread.categoryTexts[name];
  if (category === '') thread.history?.add(name, task, start, end);
  if (category === '' || category === Category.wait) thread.labels?.add(name, task, start, end);
}

/** Makes slices of a CPU profile whose last piece has been read. */
export function readProfile(thread: DrainedThread): void {
  const { samples, history, offset, nameTexts, profileText } = thread;
  thread.profileText = '';
  try {
    samples?.add(JSON.parse(profileText) as CompactProfile, (time) => {
      const { nameId, task } = history!.at((time - offset) / 1e6);
      return { region: nameTexts[nameId] ?? '', task };
    });
  } catch {
    // A piece of it found no room.
  }
}
