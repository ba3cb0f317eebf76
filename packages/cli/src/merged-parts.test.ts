/**
 * Merging, then parting again: by process, by thread and by time what was merged is what comes back, event by event, with its arrows. There is
 * no command that splits by process: a process of a merged trace is its tracks, as a filter by `pid` finds them.
 */
import { dropEmptyTracks, pickRows, rowsWhere, type Trace, timeRange } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryTrace, partsOf, sortedText, throughFile } from './arbitrary-trace-test-kit.ts';
import { createTraceMerger } from './merge-traces.ts';
import { splitTrace } from './split-trace.ts';
import { trimTrace } from './trim-trace.ts';

function merged(...traces: readonly Trace[]): Trace {
  const merger = createTraceMerger();
  for (const trace of traces) merger.add(trace);
  return merger.finish();
}

/** One that no recording is known of: two with the same clock would be of one recording. */
const foreign = arbitraryTrace.filter(({ clock }) => clock === undefined);

/** What the merger puts between numbers that two processes have in common. */
const STEP = 1 << 22;

/** The events of some processes, with the numbers that they had before a merge moved them. */
function ofProcesses(trace: Trace, isWanted: (pid: number) => boolean, moved = 0): Trace {
  const rows = rowsWhere(trace, (row) => isWanted(trace.tracks[trace.columns.track[row]!]!.pid));
  const part = dropEmptyTracks(pickRows(trace, rows));
  const tracks = part.tracks.map((track) => ({
    ...track,
    pid: track.pid - moved,
    tid: track.kind === 'thread' ? track.tid - moved : track.tid,
  }));
  return { ...part, tracks };
}

/** Events and arrows; facts are those of the first of the traces. */
function eventsOf(trace: Trace): string[] {
  return sortedText(dropEmptyTracks(trace)).filter((line) =>
    /^(track|slice|instant|counter|flow)/.test(line),
  );
}

test('of several merged traces each process comes back as it was, also where two have one number', () => {
  fc.assert(
    fc.property(arbitraryTrace, foreign, foreign, (one, other, third) => {
      const all = merged(one, other, third);
      const pidOf = (at: number) => (pid: number) => Math.floor(pid / STEP) === at;
      for (const [at, part] of [one, other, third].entries()) {
        // A number that is not taken stays.
        const back = ofProcesses(all, pidOf(at), at * STEP);
        expect(eventsOf(back)).toEqual(eventsOf(part));
      }
    }),
    { numRuns: 200 },
  );
});

test.each(['json', 'perfetto'] as const)('the same of traces that were files of %s', async (format) => {
  await fc.assert(
    fc.asyncProperty(arbitraryTrace, foreign, async (one, other) => {
      const parts = [await throughFile(one, format), await throughFile(other, format)] as const;
      const all = await throughFile(merged(...parts), format);
      for (const [at, part] of parts.entries()) {
        const back = ofProcesses(all, (pid) => Math.floor(pid / STEP) === at, at * STEP);
        // Each writing gives an arrow that no slice is at an instant to lie at.
        expect(eventsOf(back)).toEqual(eventsOf(await throughFile(part, format)));
      }
    }),
    { numRuns: 40 },
  );
});

test('what trim leaves of a thread is the same before and after a merge', () => {
  fc.assert(
    fc.property(arbitraryTrace, foreign, (one, other) => {
      const all = merged(one, other);
      for (const { kind, pid, tid } of one.tracks) {
        if (kind !== 'thread') continue;
        const threads = [`${pid}/${tid}`];
        expect(eventsOf(trimTrace(all, { threads }))).toEqual(eventsOf(trimTrace(one, { threads })));
      }
    }),
    { numRuns: 100 },
  );
});

test('traces that follow each other come back when the merged one is cut where the second begins', () => {
  fc.assert(
    fc.property(foreign, foreign, (one, other) => {
      // Nothing may go on from one to the other, and only what begins within is cut there.
      const lasts = Math.ceil(timeRange(one).end - Math.min(0, timeRange(one).start)) + 1;
      const later: Trace = { ...other, origin: one.origin + BigInt(lasts) + 1000n };
      fc.pre(timeRange(other).start >= 0);
      const split = splitTrace(merged(one, later));
      const parts = [split.part(0, one.length, 1), split.part(one.length, split.length, 2)];
      expect(split.length).toBe(one.length + later.length);
      // An arrow that no slice is at is a fact of a part, and no event.
      const withoutArrows = (trace: Trace): string[] =>
        eventsOf(trace).filter((line) => !/^(track|flow)/.test(line));
      expect(withoutArrows(ofProcesses(parts[0]!, () => true))).toEqual(withoutArrows(one));
      expect(withoutArrows(ofProcesses(parts[1]!, () => true, STEP))).toEqual(withoutArrows(later));
    }),
    { numRuns: 200 },
  );
});

test('the parts of a split that are merged are cut into the same parts again', () => {
  fc.assert(
    fc.property(arbitraryTrace, fc.integer({ min: 200, max: 3000 }), (trace, most) => {
      const parts = partsOf(trace, most);
      const again = partsOf(merged(...parts), most);
      expect(again.map(eventsOf)).toEqual(parts.map(eventsOf));
    }),
    { numRuns: 200 },
  );
});
