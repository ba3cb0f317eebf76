/** Messages between threads: how many, how long each was on its way, how many waited at once, and what sending and handling took. */
import { Category } from '@ttrace/format';
import { type Arrows, arrowsOf } from './arrows.ts';
import { sortedNumbers, sumOf } from './duration-columns.ts';
import { type Filter, isThreadWanted, keptIfWhole, rowFilter, stretchOf } from './filter.ts';
import { histogramOf } from './histogram.ts';
import { percentile } from './name-stats.ts';
import type { Column, Table } from './table.ts';
import { taskColumns } from './task-columns.ts';
import type { TraceIndex } from './trace-index.ts';
import { producerNote } from './unrecorded.ts';

/** All messages from one thread to another. Times in nanoseconds since the origin; the arrays are sorted, and of those that arrived. */
export interface MessagesRow {
  readonly from: string;
  /** '' for those that did not arrive in the trace. */
  readonly to: string;
  readonly count: number;
  readonly latencies: Float64Array;
  readonly sent: Float64Array;
  readonly received: Float64Array;
  readonly maxQueue: number;
  readonly sendNanos: number;
  readonly handleNanos: number;
  readonly perSecond: number;
  /** `received` is NaN where none arrived. */
  readonly slowest: { readonly sent: number; readonly received: number };
}

const HELP =
  'Messages that threads send each other, by pair of threads. Latency is the time from the begin of postMessage to the begin of the handler: the ' +
  'clone, the way, and the wait until the receiver’s event loop was free. A queue that grows, or a latency far above the handler’s own time, ' +
  'says that the receiver is too busy; many short messages cost more than the work in them, and pay when they are sent together.';

/** By pair of threads, the most waiting first. Filter: from, to (of the sending), thread (either end), task, min, max (latency), text, complete (arrived); `name` as `main → worker-1`. */
export function messagesTable(index: TraceIndex, filter: Filter = {}): Table<MessagesRow> {
  return {
    id: 'messages',
    title: 'Messages',
    help: HELP,
    columns: [
      { id: 'from', title: 'From', unit: 'text', help: 'Thread that sends.', of: ({ from }) => from },
      {
        id: 'to',
        title: 'To',
        unit: 'text',
        help: 'Thread that receives; (not received) for those that no handler got in the trace.',
        of: ({ to }) => to || '(not received)',
      },
      { id: 'count', title: 'Count', unit: 'count', help: 'Messages sent.', of: ({ count }) => count },
      {
        id: 'perSecond',
        title: 'Rate',
        unit: 'rate',
        help: 'Messages a second over the whole stretch.',
        of: ({ perSecond }) => perSecond,
      },
      {
        id: 'maxQueue',
        title: 'Max queue',
        unit: 'count',
        help: 'Most messages that were sent and not yet received at one time.',
        of: ({ maxQueue }) => maxQueue,
      },
      {
        id: 'handleNanos',
        title: 'Handling',
        unit: 'nanos',
        help: 'Time inside the handlers on the receiver.',
        of: ({ handleNanos }) => handleNanos,
      },
      latency('maxNanos', 'Latency max', 100),
      latency('p50Nanos', 'p50', 50),
      latency('p95Nanos', 'p95', 95),
      latency('p99Nanos', 'p99', 99),
      {
        id: 'sendNanos',
        title: 'Sending',
        unit: 'nanos',
        help: 'Time inside postMessage, most of it the structured clone, on the sender.',
        of: ({ sendNanos }) => sendNanos,
      },
    ],
    rows: keptIfWhole(index, filter, messagesRows),
    spanOf: ({ slowest }) => spanOf(index, slowest.sent, slowest.received),
    linkOf: ({ from, to }) => ({ page: 'messages/each', filter: { name: pairOf(from, to) } }),
    histogramOf: ({ latencies }) => histogramOf(latencies),
    ...producerNote(index, Category.message, 'messages'),
  };
}

function latency(id: string, title: string, p: number): Column<MessagesRow> {
  return {
    id,
    title,
    unit: 'nanos',
    help: p === 100 ? 'Longest latency.' : `${p} % of the messages were on their way for no longer.`,
    of: ({ latencies }) => (latencies.length === 0 ? undefined : percentile(latencies, p)),
  };
}

/** Messages one by one, those that were on their way for longest first. */
export function eachMessageTable(index: TraceIndex, filter: Filter = {}): Table<number> {
  const messages = new Messages(index);
  const { sent, received } = messages;
  const latencyOf = (message: number): number => messages.latencyOf(message);
  const rows = wantedMessages(index, messages, filter).sort(
    (a, b) => (latencyOf(b) || 0) - (latencyOf(a) || 0),
  );
  return {
    id: 'messages',
    title: 'Each message',
    help: HELP,
    columns: [
      {
        id: 'from',
        title: 'From',
        unit: 'text',
        help: 'Thread that sends.',
        of: (message) => messages.fromOf(message),
      },
      {
        id: 'to',
        title: 'To',
        unit: 'text',
        help: 'Thread that receives.',
        of: (message) => messages.toOf(message) || '(not received)',
      },
      {
        id: 'startNanos',
        title: 'Sent',
        unit: 'time',
        help: 'Begin of postMessage, since the first event.',
        of: (message) => sent[message]! - index.start,
      },
      {
        id: 'latencyNanos',
        title: 'Latency',
        unit: 'nanos',
        help: 'From there to the begin of the handler.',
        of: (message) => (messages.toOf(message) === '' ? undefined : latencyOf(message)),
      },
      {
        id: 'sendNanos',
        title: 'Sending',
        unit: 'nanos',
        help: 'Time inside postMessage.',
        of: (message) => messages.sendNanosOf(message),
      },
      {
        id: 'handleNanos',
        title: 'Handling',
        unit: 'nanos',
        help: 'Time inside the handler.',
        of: (message) => messages.handleNanosOf(message),
      },
      ...taskColumns<number>(index, (message) => messages.taskOf(message), 'the task that sent it'),
    ],
    rows,
    spanOf: (message) => spanOf(index, sent[message]!, received[message]!),
    ...producerNote(index, Category.message, 'messages'),
  };
}

/** What is known of each message; a message is the number of its arrow, for there may be millions. */
class Messages {
  /** When it was sent and received; NaN for one that did not arrive. */
  readonly sent: Float64Array;
  readonly received: Float64Array;
  readonly #index: TraceIndex;
  readonly #arrows: Arrows;

  constructor(index: TraceIndex) {
    this.#index = index;
    this.#arrows = arrowsOf(index);
    ({ outTime: this.sent, inTime: this.received } = this.#arrows);
  }

  /** '' where nobody sent it, or nobody received it, in the trace. */
  fromOf(message: number): string {
    return this.#nameOf(this.#arrows.outTrack[message]!);
  }

  toOf(message: number): string {
    return this.#nameOf(this.#arrows.inTrack[message]!);
  }

  /** The same number for all between two tracks. */
  tracksOf(message: number): number {
    return (this.#arrows.outTrack[message]! + 1) * 2 ** 24 + this.#arrows.inTrack[message]! + 1;
  }

  latencyOf(message: number): number {
    return this.received[message]! - this.sent[message]!;
  }

  sendNanosOf(message: number): number {
    return this.#lengthOf(this.#arrows.outSlice[message]!);
  }

  handleNanosOf(message: number): number {
    return this.#lengthOf(this.#arrows.inSlice[message]!);
  }

  /** Number of the task that sent it, 0 for none. */
  taskOf(message: number): number {
    const row = this.#arrows.outSlice[message]!;
    return row < 0 ? 0 : this.#index.taskOf(row);
  }

  #nameOf(track: number): string {
    return this.#index.threadOf(track)?.name ?? this.#index.trace.tracks[track]?.name ?? '';
  }

  #lengthOf(row: number): number {
    return row < 0 ? 0 : Math.max(0, this.#index.trace.columns.value[row]!);
  }
}

function wantedMessages(index: TraceIndex, messages: Messages, filter: Filter): number[] {
  const { thread, name, min, max, complete, ...rest } = filter;
  const { length, outSlice, inSlice, outTrack, inTrack } = arrowsOf(index);
  const { category } = index.trace.columns;
  const wanted = index.category(Category.message);
  const isWanted = rowFilter(index, rest);
  const found: number[] = [];
  for (let message = 0; message < length; message++) {
    const row = outSlice[message]! >= 0 ? outSlice[message]! : inSlice[message]!;
    if (row < 0 || category[row] !== wanted || !isWanted(row)) continue;
    if (outTrack[message]! < 0 || !isOfThread(index, filter, outTrack[message]!, inTrack[message]!)) continue;
    if (name !== undefined && name !== pairOf(messages.fromOf(message), messages.toOf(message))) continue;
    const time = messages.latencyOf(message);
    if (complete !== undefined && Number.isNaN(time) === complete) continue;
    if ((min !== undefined && !(time >= min)) || (max !== undefined && !(time < max))) continue;
    found.push(message);
  }
  return found;
}

/** By the names of both threads. */
function groupsOf(messages: Messages, wanted: readonly number[]): (readonly number[])[] {
  const byNames = new Map<string, number[]>();
  const byTracks = new Map<number, number[]>();
  for (const message of wanted) {
    const tracks = messages.tracksOf(message);
    let group = byTracks.get(tracks);
    if (group === undefined) {
      const names = pairOf(messages.fromOf(message), messages.toOf(message));
      group = byNames.get(names) ?? [];
      byNames.set(names, group);
      byTracks.set(tracks, group);
    }
    group.push(message);
  }
  return [...byNames.values()];
}

/** What a filter calls messages between two threads. */
function pairOf(from: string, to: string): string {
  return `${from} → ${to}`;
}

function isOfThread(index: TraceIndex, filter: Filter, ...tracks: readonly number[]): boolean {
  if (filter.thread === undefined) return true;
  return tracks.some((track) => {
    const thread = track < 0 ? undefined : index.threadOf(track);
    return thread !== undefined && isThreadWanted(filter, thread);
  });
}

function messagesRows(index: TraceIndex, filter: Filter = {}): MessagesRow[] {
  const messages = new Messages(index);
  const { start, end } = stretchOf(index, filter);
  return groupsOf(messages, wantedMessages(index, messages, filter))
    .map((group) => messagesRow(messages, group, Math.max(1, end - start)))
    .sort((a, b) => sumOf(b.latencies) - sumOf(a.latencies));
}

function messagesRow(messages: Messages, group: readonly number[], stretchNanos: number): MessagesRow {
  let sendNanos = 0;
  let handleNanos = 0;
  let slowest = group[0]!;
  const arrived: number[] = [];
  for (const message of group) {
    sendNanos += messages.sendNanosOf(message);
    handleNanos += messages.handleNanosOf(message);
    const latency = messages.latencyOf(message);
    if (Number.isNaN(latency)) continue;
    arrived.push(message);
    if (!(messages.latencyOf(slowest) >= latency)) slowest = message;
  }
  const sent = sortedNumbers(arrived, (message) => messages.sent[message]!);
  const received = sortedNumbers(arrived, (message) => messages.received[message]!);
  return {
    from: messages.fromOf(group[0]!),
    to: messages.toOf(group[0]!),
    count: group.length,
    latencies: sortedNumbers(arrived, (message) => messages.latencyOf(message)),
    maxQueue: longestQueue(sent, received),
    sent,
    received,
    sendNanos,
    handleNanos,
    perSecond: (group.length * 1e9) / stretchNanos,
    slowest: { sent: messages.sent[slowest]!, received: messages.received[slowest]! },
  };
}

/** Most messages that were sent and not yet received at one time. */
function longestQueue(sent: Float64Array, received: Float64Array): number {
  let longest = 0;
  for (let out = 0, into = 0; out < sent.length; out++) {
    while (received[into]! < sent[out]!) into++;
    longest = Math.max(longest, out + 1 - into);
  }
  return longest;
}

function spanOf(index: TraceIndex, sent: number, received: number): { start: number; end: number } {
  const end = Number.isNaN(received) ? sent : received;
  return { start: sent - index.start, end: end - index.start };
}
