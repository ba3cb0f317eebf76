/** The numbers of the home page. */
import { TraceBuilder } from '@ttrace/format';
import { describe, expect, it } from 'vitest';
import { traceFacts } from './trace-facts.ts';
import { MS, SAMPLE_PID, sampleTrace } from './viewer-test-kit.ts';

describe('traceFacts', () => {
  it('measures from the first event, wherever the origin is', () => {
    const { start, duration, processes } = traceFacts(sampleTrace());
    expect(start).toBe(7 * MS);
    expect(duration).toBe(100 * MS);
    expect(processes[0]?.threads[1]).toMatchObject({ name: 'worker 1', first: 5 * MS, last: 99 * MS });
  });

  it('lists the main thread first and counts what lies on each thread', () => {
    const facts = traceFacts(sampleTrace());
    const [process] = facts.processes;
    expect(process?.threads.map(({ name, tid, slices }) => [name, tid - SAMPLE_PID, slices])).toEqual([
      ['main', 0, 30],
      ['worker 1', 1, 4],
      ['worker 2', 2, 3],
      ['worker 3', 3, 3],
    ]);
    expect(facts).toMatchObject({ threads: 4, operations: 10, events: 80, slices: 50, dropped: 0 });
  });

  it('puts tasks of one name into one row', () => {
    const [process] = traceFacts(sampleTrace()).processes;
    expect(process?.operations).toHaveLength(1);
    expect(process?.operations[0]).toMatchObject({ name: 'order', tracks: 10, slices: 10, last: 100 * MS });
    expect(process?.counters[0]).toMatchObject({ name: 'queue', events: 10 });
  });

  it('sums dropped events, and shows a thread that dropped all it had', () => {
    const builder = new TraceBuilder();
    const mute = builder.threadTrack(1, 2);
    builder.tracks[mute]!.dropped = 9;
    builder.instant(builder.threadTrack(1, 1), 0, 0, 0, 0);
    const facts = traceFacts(builder.finish('json', 0));
    expect(facts.dropped).toBe(9);
    expect(facts.processes[0]?.threads.map((thread) => thread.name)).toEqual(['thread 1', 'thread 2']);
  });

  it('holds for an empty trace', () => {
    const facts = traceFacts(new TraceBuilder().finish('json', 0));
    expect(facts).toMatchObject({ events: 0, start: 0, duration: 0, processes: [] });
  });

  it('says when the recording began, by the clock snapshot', () => {
    const trace = sampleTrace();
    const clock = { monotonicNanos: trace.origin, wallMillis: 1_700_000_000_000 };
    const stated = new Map([['ttrace_recording', '{"node":"v24.1.0","platform":"linux x64"}']]);
    const { recording } = traceFacts({ ...trace, clock, metadata: stated });
    expect(recording).toEqual({ node: 'v24.1.0', platform: 'linux x64', startedMillis: 1_700_000_000_007 });
    const odd = traceFacts({
      ...trace,
      clock: { ...clock, wallMillis: 1e300 },
      metadata: new Map([['ttrace_recording', '[']]),
    });
    expect(odd.recording).toEqual({ node: undefined, platform: undefined, startedMillis: undefined });
  });
});
