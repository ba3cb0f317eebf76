/** Placing traces beside each other: exactly on one machine, by wall clock on several. */
import { type Trace, TraceBuilder } from '@ttrace/format';
import { expect, test } from 'vitest';
import { type AlignBy, createClockAligner } from './align-clocks.ts';

/** A trace that began at `monotonic` ns on its clock, at `wall` ms since 1970; undefined = it does not say. */
function traceAt(monotonic: number, wall: number | undefined): Trace {
  const builder = new TraceBuilder();
  const track = builder.threadTrack(1, 1);
  builder.instant(track, 0, 0, builder.relative(monotonic / 1000, 0), 0);
  if (wall !== undefined) builder.clock = { monotonicNanos: BigInt(monotonic), wallMillis: wall };
  return builder.finish('json', 0);
}

function placed(by: AlignBy, ...traces: Trace[]): { shifts: number[]; machines: number[]; summary: string } {
  const aligner = createClockAligner(by);
  const places = traces.map((trace, index) => aligner.place(trace, `${index}.json`));
  return {
    shifts: places.map(({ shift }) => Number(shift)),
    machines: places.map(({ machine }) => machine),
    summary: aligner.summary(),
  };
}

const HOUR = 3_600_000;
const first = traceAt(HOUR * 1e6, 1.7e12);
/** An hour later on the same machine, whose wall clock was set forward by 40 ms. */
const later = traceAt(2 * HOUR * 1e6, 1.7e12 + HOUR + 40);
/** Half a second after the first, on a machine that was started 1000 hours before. */
const elsewhere = traceAt(1001 * HOUR * 1e6, 1.7e12 + 500);

test('traces of one machine stay where they are, whatever its wall clock did meanwhile', () => {
  expect(placed('auto', first, later)).toEqual({
    shifts: [0, 0],
    machines: [0, 0],
    summary: 'on one clock, exact to the nanosecond',
  });
});

test('a trace of another machine is laid by wall clock, and others of that machine with it', () => {
  const again = traceAt(1002 * HOUR * 1e6, 1.7e12 + HOUR + 503);
  const { shifts, machines, summary } = placed('auto', first, elsewhere, again);
  expect(shifts).toEqual([0, 500e6 - 1000 * HOUR * 1e6, 500e6 - 1000 * HOUR * 1e6]);
  expect(machines).toEqual([0, 1, 1]);
  expect(summary).toBe(
    'of 2 clocks, laid beside each other by wall clock: exact to 1.00 ms, and to what the clocks of the machines differ by',
  );
});

test('either can be asked for', () => {
  expect(placed('clock', first, elsewhere).shifts).toEqual([0, 0]);
  expect(placed('wall', first, later).shifts).toEqual([0, 40e6]);
});

test('a trace that does not say is taken for one of the same clock, which is said; by wall clock it cannot be placed', () => {
  expect(placed('auto', first, traceAt(5e9, undefined))).toMatchObject({
    shifts: [0, 0],
    summary: 'on one clock, exact to the nanosecond, if 1.json has the same clock, which it does not say',
  });
  expect(() => placed('wall', first, traceAt(5e9, undefined))).toThrow('1.json does not say');
});

test('a trace that would begin before time 0 of the first is refused, with what to do', () => {
  const young = traceAt(1e9, 1.7e12 + HOUR);
  expect(() => placed('auto', young, elsewhere)).toThrow('name 1.json first');
  expect(placed('auto', elsewhere, young).shifts[0]).toBe(0);
});
