/** What is wrong with the recording itself: what it lost makes every other figure smaller than it was. */
import type { Rule } from '../finding.ts';
import { counted, shareText } from '../quantity.ts';
import { areLoopsRecorded } from '../unrecorded.ts';

export const unrecordedLoop: Rule = {
  id: 'unrecorded-loop',
  help: 'A trace without any event loop, such as one of another producer: what other rules look for on loops it cannot tell.',
  find: (index) => {
    if (areLoopsRecorded(index)) return [];
    return [
      {
        rule: 'unrecorded-loop',
        severity: 'low',
        count: 1,
        costNanos: 0,
        sentence:
          'No event loop was recorded: functions that blocked one, promises that never let go and synchronous calls in tasks cannot be found in this trace.',
        advice: 'Record a Node.js program with ttrace run, which watches the loops of all its threads.',
        worst: undefined,
        link: { page: 'threads', filter: {} },
      },
    ];
  },
};

export const droppedEvents: Rule = {
  id: 'dropped-events',
  help: 'Events that the recorder dropped because its buffer was full.',
  find: (index) => {
    const dropped = index.trace.tracks.reduce((sum, track) => sum + track.dropped, 0);
    if (dropped === 0) return [];
    return [
      {
        rule: 'dropped-events',
        severity: 'medium',
        count: dropped,
        costNanos: 0,
        sentence: `The recorder dropped ${counted(dropped, 'event')}, ${shareText(dropped / (dropped + index.trace.length))} of all: figures of those threads are too small.`,
        advice:
          'Mark less in the hottest loops, raise bufferBytes, or record as .pftrace, which takes more events a second.',
        worst: undefined,
        link: { page: 'threads', filter: {} },
      },
    ];
  },
};

export const damagedFile: Rule = {
  id: 'damaged-file',
  help: 'A file that is cut off or damaged.',
  find: ({ trace: { error, bytesRead } }) => {
    if (error === undefined) return [];
    const lost = bytesRead > 0 ? Math.max(0, 1 - error.offset / bytesRead) : 0;
    return [
      {
        rule: 'damaged-file',
        severity: 'medium',
        count: 1,
        costNanos: 0,
        sentence: `The file is damaged or cut off at byte ${error.offset}${lost > 0 ? `, ${shareText(lost)} of it is lost` : ''}: ${error.message}.`,
        advice: 'All that stands before that point is in every figure; record again if the end matters.',
        worst: undefined,
        link: undefined,
      },
    ];
  },
};
