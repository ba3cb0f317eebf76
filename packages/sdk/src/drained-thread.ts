/** What drain.ts knows about one thread: where it is in the thread's ring, and what the records' numbers stand for. */
import { OTHER_NAME, type StringRef, type TraceWriter, type TrackRef } from '@ttrace/format';
import type { BegunRegions } from './begun-regions.ts';
import type { LoopTrack } from './loop-track.ts';
import { type Block, Header, OTHER_NAME_ID, SLOT_BYTES } from './ring.ts';

/** One thread, from its block and the records in it. */
export interface DrainedThread {
  readonly block: Block;
  tail: number;
  /** undefined until the thread has introduced itself. */
  track: TrackRef | undefined;
  /** Known from the same moment on. */
  begun: BegunRegions | undefined;
  loop: LoopTrack | undefined;
  threadId: number;
  /** Nanoseconds to add to the thread's clock for nanoseconds since the recording's origin. */
  offset: number;
  names: StringRef[];
  nameTexts: string[];
  /** Category of each name; that of regions where it has none of its own. */
  categories: StringRef[];
  categoryTexts: string[];
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
    threadId: 0,
    offset: 0,
    names: [],
    nameTexts: [],
    categories: [],
    categoryTexts: [],
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
  const name = thread.text.slice(categoryLength);
  thread.names[id] = writer.string(name);
  thread.nameTexts[id] = name;
  thread.categories[id] = category === '' ? region : writer.string(category);
  thread.categoryTexts[id] = category;
  thread.text = '';
}

const decoder = new TextDecoder();

/** Reads a text of so many bytes from the ring, and moves on behind it. */
export function readText(thread: DrainedThread, length: number): string {
  const { bytes, mask } = thread.block;
  const at = (thread.tail & mask) * SLOT_BYTES;
  // Copied: a decoder does not take shared memory.
  const copy = new Uint8Array(length);
  const fits = Math.min(length, bytes.length - at);
  copy.set(bytes.subarray(at, at + fits));
  if (fits < length) copy.set(bytes.subarray(0, length - fits), fits);
  thread.tail = (thread.tail + Math.ceil(length / SLOT_BYTES)) | 0;
  return decoder.decode(copy);
}
