/** What PerfettoReader makes of the streams that other producers write. */
import { expect, test } from 'vitest';
import { validateTrace } from '../src/validate.ts';
import { Double, lines, type Message, read, stream, TRACKS } from './packet-stream.ts';

test('default tracks, interned or plain names, and categories by number or text', () => {
  const trace = read(
    stream(
      ...TRACKS,
      { 8: 1000, 10: 1, 11: { 9: 1, 10: 9, 3: 3 }, 12: { 1: { 1: 3, 2: 'net' }, 2: { 1: 9, 2: 'load' } } },
      { 8: 1500, 10: 1, 11: { 9: 1, 23: 'inner', 22: ['a', 'b'] } },
      { 8: 1600, 10: 1, 11: { 9: 2 } },
      { 8: 2000, 10: 1, 11: { 9: 2 } },
    ),
  );
  expect(trace.error).toBeUndefined();
  expect(lines(trace)).toEqual([
    'process 42 "browser"',
    'track 42/43 thread "io"',
    'slice 42/43 +0.000000000 0.000001000 net "load"',
    'slice 42/43 +0.000000500 0.000000100 a,b "inner"',
  ]);
});

test('names and events are lost when packets were dropped, until the state is cleared', () => {
  const name = (text: string): Message => ({ 2: { 1: 1, 2: text } });
  const trace = read(
    stream(
      ...TRACKS,
      { 8: 1000, 10: 1, 13: 2, 12: name('kept'), 11: { 9: 3, 10: 1 } },
      { 8: 1100, 10: 1, 13: 2, 42: 1, 11: { 9: 3, 10: 1 } },
      { 8: 1200, 10: 1, 13: 1, 12: name('again'), 11: { 9: 3, 10: 1, 11: 7 } },
    ),
  );
  expect(lines(trace, /^instant/)).toEqual([
    'instant 42/43 +0.000000000 - "kept"',
    'instant 42/43 +0.000000200 - "again"',
  ]);
  expect([...trace.skipped.keys()]).toEqual(['event whose packet sequence lost its state']);
});

test('clocks of a sequence count from the packet before, and in other units', () => {
  const clocks = [
    { 1: 6, 2: 5_000_000n },
    { 1: 64, 2: 0, 3: 1, 4: 1000 },
    { 1: 65, 2: 77 },
  ];
  const trace = read(
    stream(
      ...TRACKS,
      { 10: 1, 6: { 1: clocks } },
      { 8: 2, 10: 1, 58: 64, 11: { 9: 3, 23: 'two' } },
      { 8: 3, 10: 1, 58: 64, 11: { 9: 3, 23: 'five' } },
      { 8: 78, 10: 1, 58: 65, 11: { 9: 3, 23: 'one nanosecond' } },
      { 8: 5_000_500, 10: 1, 11: { 9: 3, 23: 'absolute' } },
    ),
  );
  expect(trace.origin).toBe(5_000_000n);
  expect(lines(trace, /^instant/)).toEqual([
    'instant 42/43 +0.000002000 - "two"',
    'instant 42/43 +0.000005000 - "five"',
    'instant 42/43 +0.000000001 - "one nanosecond"',
    'instant 42/43 +0.000000500 - "absolute"',
  ]);
});

test('the older descriptor names a thread and is the base of microseconds', () => {
  const trace = read(
    stream(
      { 10: 3, 13: 1, 44: { 1: 8, 2: 9, 5: 'old', 6: 100 } },
      { 10: 3, 43: { 1: 8, 6: 'older' } },
      { 10: 3, 11: { 1: 5, 6: { 2: 66 }, 23: 'B and E' } },
      { 10: 3, 11: { 1: 7, 6: { 2: 69 } } },
      { 10: 3, 11: { 16: 200, 6: { 2: 88, 3: 30 }, 23: 'X' } },
    ),
  );
  expect(trace.origin).toBe(105_000n);
  expect(lines(trace)).toEqual([
    'process 8 "older"',
    'track 8/9 thread "old"',
    'slice 8/9 +0.000000000 0.000007000 - "B and E"',
    'slice 8/9 +0.000095000 0.000030000 - "X"',
  ]);
});

test('asynchronous and flow events of the older form', () => {
  const event = (time: number, phase: string): Message => ({
    8: time,
    10: 1,
    11: { 6: { 2: phase.charCodeAt(0), 6: 0xabc }, 23: 'op', 22: 'net' },
  });
  const phases = [...'bnesf'].map((phase, i) => event(1000 + 100 * i, phase));
  expect(lines(read(stream(...TRACKS, ...phases))).slice(2)).toEqual([
    'track a1 async 42 net "0xabc" "op"',
    'slice a1 +0.000000000 0.000000200 net "op"',
    'instant a1 +0.000000100 net "op"',
    'flow-out 42/43 +0.000000300 1 net "op"',
    'flow-in 42/43 +0.000000400 1 net "op"',
  ]);
});

test('counters hold whole numbers, doubles and increments, also beside slices', () => {
  const trace = read(
    stream(
      ...TRACKS,
      { 10: 1, 60: { 1: 20, 5: 5, 2: 'bytes read', 8: { 3: 3, 4: 10, 5: 1 } } },
      { 10: 1, 60: { 1: 21, 5: 5, 2: 'load', 8: { 6: '%' } } },
      { 8: 1, 10: 1, 11: { 9: 4, 11: 20, 30: 5 } },
      { 8: 2, 10: 1, 11: { 9: 4, 11: 20, 30: -2 } },
      { 8: 3, 10: 1, 11: { 9: 4, 11: 21, 44: new Double(0.25) } },
      { 8: 4, 10: 1, 11: { 9: 3, 23: 'with value', 45: 21, 46: new Double(1.5) } },
    ),
  );
  expect(lines(trace, /counter/)).toEqual([
    'track c1 counter 42 "" "bytes read" unit="bytes"',
    'track c2 counter 42 "" "load" unit="%"',
    'counter c1 +0.000000001 50 "bytes read"',
    'counter c1 +0.000000002 30 "bytes read"',
    'counter c2 +0.000000003 0.25 "load"',
    'counter c2 +0.000000004 1.5 "load"',
  ]);
});

test('annotations hold every kind of value, 64-bit numbers exactly', () => {
  const dictionary = [
    { 10: 'k', 4: 1 },
    { 10: 'l', 12: [{ 6: 'x' }, { 2: 0 }] },
  ];
  const annotations: Message[] = [
    { 10: 'b', 2: 1 },
    { 10: 'u', 3: 18_446_744_073_709_551_615n },
    { 10: 'i', 4: -3 },
    { 10: 'd', 5: new Double(Number.NaN) },
    { 10: 's', 6: 'a "quoted"\n\u0001' },
    { 10: 'p', 7: 255 },
    { 10: 'j', 9: '{"x":[1]}' },
    { 10: 'bad', 9: '{"x":' },
    { 10: 'dict', 11: dictionary },
    { 10: 'old', 8: { 1: 1, 2: ['k', 'l'], 3: [{ 5: 7 }, { 1: 2, 4: { 8: 'y' } }] } },
  ];
  const trace = read(stream(...TRACKS, { 8: 1, 10: 1, 11: { 9: 3, 23: 'n', 4: annotations } }));
  const text = trace.strings.text(trace.columns.args[0]!);
  expect(text).toContain('"u":18446744073709551615,');
  expect(JSON.parse(text)).toMatchObject({
    b: true,
    i: -3,
    d: 'NaN',
    s: 'a "quoted"\n\u0001',
    p: '0xff',
    j: { x: [1] },
    bad: '{"x":',
    dict: { k: 1, l: ['x', false] },
    old: { k: 7, l: ['y'] },
  });
});

test('flows join by id whatever the order of packets, and an id used again after its end is another flow', () => {
  const event = (time: number, field: number): Message => ({
    8: time,
    10: 1,
    11: { 9: 3, 23: `t${time}`, [field]: 900 },
  });
  const packets = [event(30, 42), event(20, 36), event(10, 36), event(50, 42), event(40, 36)];
  expect(lines(read(stream(...TRACKS, ...packets)), /^flow/)).toEqual([
    'flow-out 42/43 +0.000000010 1 - "t10"',
    'flow-step 42/43 +0.000000020 1 - "t20"',
    'flow-in 42/43 +0.000000030 1 - "t30"',
    'flow-out 42/43 +0.000000040 2 - "t40"',
    'flow-in 42/43 +0.000000050 2 - "t50"',
  ]);
});

test('packets of other data sources are counted and passed over, unknown fields ignored', () => {
  const event = { 8: 1, 10: 1, 11: { 9: 3, 23: 'n', 9999: 'unknown' } };
  const trace = read(stream({ 1: { 1: 0 } }, { 33: { 1: 0 } }, ...TRACKS, event));
  expect(trace.error).toBeUndefined();
  expect(trace.length).toBe(1);
  expect(Object.fromEntries(trace.skipped)).toEqual({ 'packet field 1': 1, 'packet field 33': 1 });
});

test('compressed packets that nothing inflates are counted as skipped', () => {
  const packets = stream(...TRACKS, { 8: 1, 10: 1, 11: { 9: 3, 23: 'n' } });
  const wrapped = stream({ 50: packets });
  expect([read(wrapped).length, read(wrapped).skipped.size]).toEqual([0, 1]);
  expect(read(wrapped, {}, { inflate: (bytes) => bytes }).length).toBe(1);
  const inflate = (): never => {
    throw new Error('bad data');
  };
  expect(read(wrapped, {}, { inflate }).skipped.get('compressed packets that are damaged')).toBe(1);
});

test('a thread that gets a second name is found by validate, in whatever form the names come', () => {
  const described = (uuid: number, name: string): Message => ({
    10: uuid,
    60: { 1: uuid, 5: 5, 4: { 1: 42, 2: 43, 5: name } },
  });
  const older = (name: string): Message => ({ 10: 9, 44: { 1: 42, 2: 43, 5: name } });
  const rules = (...packets: Message[]): string[] =>
    validateTrace(read(stream(...packets))).map(({ rule, count }) => `${rule} ${count}`);
  // Each sequence describes its tracks anew: that is no second name.
  expect(rules(...TRACKS, described(7, 'io'), described(8, 'io'), older('io'), older(''))).toEqual([]);
  expect(rules(...TRACKS, described(7, 'disk'))).toEqual(['renamed-thread 1']);
  expect(rules(...TRACKS, described(8, 'disk'), older('net'))).toEqual(['renamed-thread 2']);
  // Another thread, another name.
  expect(rules(...TRACKS, { 10: 3, 60: { 1: 11, 5: 5, 4: { 1: 42, 2: 44, 5: 'disk' } } })).toEqual([]);
});
