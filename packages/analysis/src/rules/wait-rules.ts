/** What is wrong between threads: locks whose threads take turns, queues that grow, messages that are too small for what they cost. */

import { sumOf } from '../duration-columns.ts';
import type { Found, Rule } from '../finding.ts';
import { heldByText, type LockRow, locksTable } from '../locks-table.ts';
import { isWordWait, waitedFor, waitFrame } from '../memory-words.ts';
import { type MessagesRow, messagesTable } from '../messages-table.ts';
import { percentile } from '../name-stats.ts';
import { counted, countText, shareText, timeText } from '../quantity.ts';
import { THREAD_STATES, threadTimes } from '../thread-states.ts';
import type { TraceIndex } from '../trace-index.ts';
import { wordWakes } from '../word-wakes.ts';
import { caseOfRow, worstCase } from '../worst-case.ts';

/** What threads take from one another; what is queued for a pool, or sent through a channel, is no lock. */
const LOCK = /^(lock|rwlock|mutex|read|write)\b/i;
const NO_POOL = /^(channel|wait group|Atomics|once)\b/;

const CONVOY = { waits: 10, share: 0.5, nanos: 10e6 };

/**
 * Part of the time, idle time aside, that a word's threads wait for it: for how long one has it nobody knows. And wake-ups by threads that wait
 * for it themselves, each of one thread: idle workers are woken by whoever has jobs, those that meet at a barrier together.
 */
const TURNS = { share: 0.2, wakes: 5, shareOfWakes: 0.8 };

export const lockConvoy: Rule = {
  id: 'lock-convoy',
  help:
    `A lock that others wait for in more than ${shareText(CONVOY.share)} of the time it is held, from ${CONVOY.waits} waits on; a word of Atomics.wait that ` +
    `threads that let each other go on wait for in more than ${shareText(TURNS.share)} of the time that they are not idle.`,
  find: (index) =>
    locksTable(index).rows.flatMap((row): Found[] => {
      const { name, waits, heldNanos, contendedNanos, maxWaiting, threads, handovers, heldBy } = row;
      if (isWordWait(name.split(' ', 1)[0]!)) return contendedWord(index, row);
      const share = heldNanos > 0 ? contendedNanos / heldNanos : 0;
      const waited = sumOf(waits);
      if (!LOCK.test(name) || waits.length < CONVOY.waits || share <= CONVOY.share || waited < CONVOY.nanos)
        return [];
      const [most] = handovers;
      const holders = heldByText(
        heldBy.filter(({ task, thread }) => task !== '' || thread !== '').slice(0, 1),
      );
      const who =
        holders !== ''
          ? `; held by ${holders}`
          : most === undefined
            ? ''
            : `; mostly ${most.from} lets ${most.to} go on`;
      return [
        {
          ...convoyOf(index, row),
          sentence:
            `${name} is contended for ${shareText(share)} of the time it is held: ${timeText(waited)} of waiting in ${counted(waits.length, 'wait')}` +
            `${threads.size > 0 ? ` on ${counted(threads.size, 'thread')}` : ''}, ${countText(maxWaiting)} at once` +
            `${who}.`,
          advice:
            'Do less while it is held, take it less often, or give each thread a part of its own and join them at the end.',
          worst: caseOfRow(index, row.longest),
          cases: row.heldRows,
        } satisfies Found,
      ];
    }),
};

/** What a finding says of any lock that is waited for too much. */
function convoyOf(
  index: TraceIndex,
  { name, waits }: LockRow,
): Pick<Found, 'rule' | 'severity' | 'count' | 'costNanos' | 'link'> {
  const waited = sumOf(waits);
  return {
    rule: 'lock-convoy',
    severity: waited > 0.1 * (index.end - index.start) ? 'high' : 'medium',
    count: waits.length,
    costNanos: waited,
    link: { page: 'locks/each', filter: { name } },
  };
}

/** A word that is a lock: those that wait for it for much of the time let each other go on, one by one. */
function contendedWord(index: TraceIndex, row: LockRow): Found[] {
  const { name, waits, threads, maxWaiting, handovers, longest } = row;
  const waited = sumOf(waits);
  if (waits.length < CONVOY.waits || waited < CONVOY.nanos || threads.size < 2) return [];
  const wakes = wordWakes(index).filter(({ wait }) => waitedFor(index, wait) === name);
  const turns = wakes.filter(({ from, isAlone }) => isAlone && threads.has(index.threadOf(from)?.name ?? ''));
  if (turns.length < TURNS.wakes || turns.length < TURNS.shareOfWakes * wakes.length) return [];
  if (new Set(turns.map(({ from }) => from)).size < 2) return [];
  const share = waited / (waited + workNanos(index, threads));
  if (share <= TURNS.share) return [];
  const [most] = handovers;
  const place = waitFrame(index, longest);
  return [
    {
      ...convoyOf(index, row),
      sentence:
        `${name} is contended: ${counted(threads.size, 'thread')} that take turns wait for it for ${shareText(share)} of the time that they are not idle: ` +
        `${timeText(waited)} in ${counted(waits.length, 'wait')}, ${countText(maxWaiting)} at once` +
        `${most === undefined ? '' : `; mostly ${most.from} lets ${most.to} go on`}.`,
      advice:
        'Do less before the others are let go on, take it less often, or give each thread a part of its own and join them at the end.',
      worst: {
        ...caseOfRow(index, longest),
        ...(place === undefined ? {} : { function: place.name, location: `${place.file}:${place.line}` }),
      },
    },
  ];
}

/** Time in which threads of these names were neither idle nor stopped, together. */
function workNanos(index: TraceIndex, names: ReadonlySet<string>): number {
  const isAside = (at: number): boolean => ['idle', 'waiting'].includes(THREAD_STATES[at]!);
  return index.threads
    .filter(({ name }) => names.has(name))
    .flatMap((thread) => [...threadTimes(index, thread, thread.start, thread.end).byState])
    .reduce((sum, nanos, at) => (isAside(at % THREAD_STATES.length) ? sum : sum + nanos), 0);
}

const QUEUED = { waits: 10, nanos: 10e6 };

export const queuedForPool: Rule = {
  id: 'queued-for-pool',
  help: `Jobs that wait for a free place in a pool, a queue or a semaphore: ${QUEUED.waits} and more, 5 % of them for longer than ${timeText(QUEUED.nanos)}.`,
  find: (index) => {
    return locksTable(index).rows.flatMap((row) => {
      const { name, waits, maxWaiting } = row;
      const p95 = percentile(waits, 95);
      if (LOCK.test(name) || NO_POOL.test(name) || waits.length < QUEUED.waits || p95 < QUEUED.nanos)
        return [];
      return [
        {
          rule: 'queued-for-pool',
          severity: p95 >= 100e6 ? 'high' : 'medium',
          count: waits.length,
          costNanos: p95,
          sentence: `${counted(waits.length, 'job')} waited for ${name}: p50 ${timeText(percentile(waits, 50))}, p95 ${timeText(p95)}, ${countText(maxWaiting)} at once.`,
          advice:
            'If the processors have room, make the pool larger; if not, ask for less: fewer or larger jobs, or a limit on how many come in.',
          worst: caseOfRow(index, row.longest),
          link: { page: 'locks/each', filter: { name } },
        } satisfies Found,
      ];
    });
  },
};

/** A queue grows if it holds so many at last, and so many times what it held in the middle. */
const GROWTH = { messages: 100, times: 1.5 };

export const growingQueue: Rule = {
  id: 'growing-queue',
  help: `Messages that are sent faster than they are handled: at the end ${GROWTH.messages} or more are under way, half as much again as in the middle.`,
  find: (index) =>
    messagesTable(index).rows.flatMap((row) => {
      if (row.to === '' || row.maxQueue < GROWTH.messages) return [];
      const { atHalf, atEnd, lastSent } = queueOf(row);
      if (atEnd < GROWTH.messages || atEnd < GROWTH.times * atHalf) return [];
      return [
        {
          rule: 'growing-queue',
          severity: 'medium',
          count: row.maxQueue,
          costNanos: row.latencies.at(-1) ?? 0,
          sentence: `Messages from ${row.from} to ${row.to} pile up: ${countText(atEnd)} were under way when the last one was sent, ${countText(atHalf)} half-way; the slowest took ${timeText(row.latencies.at(-1) ?? 0)} to arrive.`,
          advice:
            'Send only as many as are answered (a limit of messages under way), or give the receiver less to do for each.',
          worst: worstCase(index, { start: row.slowest.sent, end: lastSent, thread: row.to }),
          link: { page: 'messages/each', filter: { thread: row.to } },
        } satisfies Found,
      ];
    }),
};

function queueOf({ sent, received }: MessagesRow): { atHalf: number; atEnd: number; lastSent: number } {
  const lastSent = sent.at(-1)!;
  const half = (sent[0]! + lastSent) / 2;
  const underWay = (time: number): number => countUpTo(sent, time) - countUpTo(received, time);
  return { atHalf: underWay(half), atEnd: underWay(lastSent), lastSent };
}

/** How many of sorted times are not after a moment. */
function countUpTo(times: Float64Array, moment: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Messages are small when half of them are handled faster than this; sending and waking cost about as much. */
const SMALL = { messages: 1000, perSecond: 500, handleNanos: 50e3 };

export const smallMessages: Rule = {
  id: 'small-messages',
  help: `${countText(SMALL.messages)} messages and more, ${SMALL.perSecond} a second, each handled in less than ${timeText(SMALL.handleNanos)} on average: one job a message where a batch would serve.`,
  find: (index) =>
    messagesTable(index).rows.flatMap((row) => {
      const mean = row.handleNanos / Math.max(1, row.latencies.length);
      if (
        row.to === '' ||
        row.count < SMALL.messages ||
        row.perSecond < SMALL.perSecond ||
        mean > SMALL.handleNanos
      )
        return [];
      return [
        {
          rule: 'small-messages',
          severity: 'medium',
          count: row.count,
          costNanos: row.sendNanos,
          sentence: `${row.from} sends ${row.to} ${countText(row.count)} messages that take ${timeText(mean)} each to handle; on their way they are for ${timeText(percentile(row.latencies, 50))} (p50).`,
          advice:
            'Send many jobs in one message: the clone, the wake-up and the turn of the event loop are then paid once.',
          worst: worstCase(index, {
            start: row.slowest.sent,
            end: Math.max(row.slowest.sent, row.slowest.received || 0),
            thread: row.to,
          }),
          link: { page: 'messages', filter: { thread: row.to } },
        } satisfies Found,
      ];
    }),
};
