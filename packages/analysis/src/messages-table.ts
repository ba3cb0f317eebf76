/** Messages between threads: how many, how long each was on its way, how many waited at once, and what sending and handling took. */
import { Category } from '@ttrace/format';
import { arrowsOf } from './arrows.ts';
import { sumOf } from './duration-columns.ts';
import { type Filter, isThreadWanted, rowFilter, stretchOf } from './filter.ts';
import { histogramOf } from './histogram.ts';
import { percentile } from './name-stats.ts';
import type { Column, Table } from './table.ts';
import { taskLink } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/** One message. Times in nanoseconds since the origin. */
interface Message {
  readonly from: string;
  /** '' for one that did not arrive in the trace. */
  readonly to: string;
  readonly sent: number;
  /** NaN for one that did not arrive. */
  readonly received: number;
  readonly sendNanos: number;
  readonly handleNanos: number;
  readonly sendRow: number;
  readonly receiveRow: number;
}

/** All messages from one thread to another. */
export interface MessagesRow {
  readonly from: string;
  readonly to: string;
  readonly count: number;
  /** Sorted, of those that arrived. */
  readonly latencies: Float64Array;
  readonly maxQueue: number;
  readonly sendNanos: number;
  readonly handleNanos: number;
  readonly perSecond: number;
  readonly slowest: Message;
  /** Those that arrived. */
  readonly arrived: readonly Message[];
}

const HELP =
  'Messages that threads send each other, by pair of threads. Latency is the time from the begin of postMessage to the begin of the handler: the ' +
  'clone, the way, and the wait until the receiver’s event loop was free. A queue that grows, or a latency far above the handler’s own time, ' +
  'says that the receiver is too busy; many short messages cost more than the work in them, and pay when they are sent together.';

/** By pair of threads, the most waiting first. Filter: from, to, thread (either end), task, min, max (latency), text; `name` as `main → worker-1`. */
export function messagesTable(index: TraceIndex, filter: Filter = {}): Table<MessagesRow> {
  const groups = new Map<string, Message[]>();
  for (const message of messagesOf(index, filter)) {
    const key = `${message.from}\n${message.to}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [message]);
    else group.push(message);
  }
  const { start, end } = stretchOf(index, filter);
  const rows = [...groups.values()]
    .map((messages) => messagesRow(messages, Math.max(1, end - start)))
    .sort((a, b) => sumOf(b.latencies) - sumOf(a.latencies));
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
      latency('p50Nanos', 'Latency p50', 50),
      latency('p95Nanos', 'p95', 95),
      latency('p99Nanos', 'p99', 99),
      latency('maxNanos', 'Max', 100),
      {
        id: 'maxQueue',
        title: 'Max queue',
        unit: 'count',
        help: 'Most messages that were sent and not yet received at one time.',
        of: ({ maxQueue }) => maxQueue,
      },
      {
        id: 'sendNanos',
        title: 'Sending',
        unit: 'nanos',
        help: 'Time inside postMessage, most of it the structured clone, on the sender.',
        of: ({ sendNanos }) => sendNanos,
      },
      {
        id: 'handleNanos',
        title: 'Handling',
        unit: 'nanos',
        help: 'Time inside the handlers on the receiver.',
        of: ({ handleNanos }) => handleNanos,
      },
    ],
    rows,
    spanOf: ({ slowest }) => spanOf(index, slowest),
    linkOf: (row) => ({ page: 'messages/each', filter: { name: pairOf(row) } }),
    histogramOf: ({ latencies }) => histogramOf(latencies),
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
export function eachMessageTable(index: TraceIndex, filter: Filter = {}): Table<Message> {
  const latencyOf = ({ sent, received }: Message): number => received - sent;
  const rows = messagesOf(index, filter).sort((a, b) => (latencyOf(b) || 0) - (latencyOf(a) || 0));
  return {
    id: 'messages',
    title: 'Each message',
    help: HELP,
    columns: [
      { id: 'from', title: 'From', unit: 'text', help: 'Thread that sends.', of: ({ from }) => from },
      {
        id: 'to',
        title: 'To',
        unit: 'text',
        help: 'Thread that receives.',
        of: ({ to }) => to || '(not received)',
      },
      {
        id: 'startNanos',
        title: 'Sent',
        unit: 'time',
        help: 'Begin of postMessage, since the first event.',
        of: ({ sent }) => sent - index.start,
      },
      {
        id: 'latencyNanos',
        title: 'Latency',
        unit: 'nanos',
        help: 'From there to the begin of the handler.',
        of: (message) => (message.to === '' ? undefined : latencyOf(message)),
      },
      {
        id: 'sendNanos',
        title: 'Sending',
        unit: 'nanos',
        help: 'Time inside postMessage.',
        of: ({ sendNanos }) => sendNanos,
      },
      {
        id: 'handleNanos',
        title: 'Handling',
        unit: 'nanos',
        help: 'Time inside the handler.',
        of: ({ handleNanos }) => handleNanos,
      },
      {
        id: 'taskId',
        title: 'Task id',
        unit: 'number',
        help: 'Number of the task that sent it.',
        of: ({ sendRow }) => (sendRow < 0 ? undefined : index.taskOf(sendRow) || undefined),
        linkOf: ({ sendRow }) => (sendRow < 0 ? undefined : taskLink(index.taskOf(sendRow))),
      },
    ],
    rows,
    spanOf: (message) => spanOf(index, message),
  };
}

function messagesOf(index: TraceIndex, filter: Filter): Message[] {
  const { thread, name, min, max, ...rest } = filter;
  const arrows = arrowsOf(index);
  const { category, value } = index.trace.columns;
  const wanted = index.category(Category.message);
  const isWanted = rowFilter(index, rest);
  const messages: Message[] = [];
  for (let at = 0; at < arrows.length; at++) {
    const sendRow = arrows.outSlice[at]!;
    const receiveRow = arrows.inSlice[at]!;
    const row = sendRow >= 0 ? sendRow : receiveRow;
    if (row < 0 || category[row] !== wanted || !isWanted(row)) continue;
    const message = {
      from: threadName(index, arrows.outTrack[at]!),
      to: threadName(index, arrows.inTrack[at]!),
      sent: arrows.outTime[at]!,
      received: arrows.inTime[at]!,
      sendNanos: sendRow < 0 ? 0 : Math.max(0, value[sendRow]!),
      handleNanos: receiveRow < 0 ? 0 : Math.max(0, value[receiveRow]!),
      sendRow,
      receiveRow,
    };
    if (message.from === '' || !isOfThread(index, filter, arrows.outTrack[at]!, arrows.inTrack[at]!))
      continue;
    if (name !== undefined && name !== pairOf(message)) continue;
    const time = message.received - message.sent;
    if ((min !== undefined && !(time >= min)) || (max !== undefined && !(time < max))) continue;
    messages.push(message);
  }
  return messages;
}

/** What a filter calls messages between two threads. */
function pairOf({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from} → ${to}`;
}

function isOfThread(index: TraceIndex, filter: Filter, ...tracks: readonly number[]): boolean {
  if (filter.thread === undefined) return true;
  return tracks.some((track) => {
    const thread = track < 0 ? undefined : index.threadOf(track);
    return thread !== undefined && isThreadWanted(filter, thread);
  });
}

function threadName(index: TraceIndex, track: number): string {
  return track < 0 ? '' : (index.threadOf(track)?.name ?? index.trace.tracks[track]!.name);
}

function messagesRow(messages: readonly Message[], stretchNanos: number): MessagesRow {
  const { from, to } = messages[0]!;
  const arrived = messages.filter(({ received }) => !Number.isNaN(received));
  const time = ({ sent, received }: Message): number => (Number.isNaN(received) ? -1 : received - sent);
  return {
    from,
    to,
    count: messages.length,
    latencies: Float64Array.from(arrived, time).sort(),
    maxQueue: longestQueue(arrived),
    sendNanos: messages.reduce((sum, { sendNanos }) => sum + sendNanos, 0),
    handleNanos: messages.reduce((sum, { handleNanos }) => sum + handleNanos, 0),
    perSecond: (messages.length * 1e9) / stretchNanos,
    slowest: messages.reduce((a, b) => (time(b) > time(a) ? b : a)),
    arrived,
  };
}

/** When they were sent, and when they arrived: both sorted, in nanoseconds since the origin. */
export function messageArrivals({ arrived }: Pick<MessagesRow, 'arrived'>): {
  sent: Float64Array;
  received: Float64Array;
} {
  return {
    sent: Float64Array.from(arrived, (message) => message.sent).sort(),
    received: Float64Array.from(arrived, (message) => message.received).sort(),
  };
}

/** Most messages that were sent and not yet received at one time. */
function longestQueue(arrived: readonly Message[]): number {
  const { sent, received } = messageArrivals({ arrived });
  let longest = 0;
  for (let out = 0, into = 0; out < sent.length; out++) {
    while (received[into]! < sent[out]!) into++;
    longest = Math.max(longest, out + 1 - into);
  }
  return longest;
}

function spanOf(index: TraceIndex, { sent, received }: Message): { start: number; end: number } {
  const end = Number.isNaN(received) ? sent : received;
  return { start: sent - index.start, end: end - index.start };
}
