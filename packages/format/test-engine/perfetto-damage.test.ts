/** PerfettoReader on chunks that end anywhere, on damaged and on hostile input. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPerfettoWriter } from '../src/perfetto-writer.ts';
import { ProtobufOutput } from '../src/protobuf-output.ts';
import { lines, read, stream, TRACKS } from './packet-stream.ts';

/** A small file with every kind of packet that ttrace writes. */
function sample(): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = createPerfettoWriter({ sink: (bytes) => chunks.push(bytes.slice()), origin: 10n ** 13n });
  writer.process(42, 'node app.js');
  const main = writer.thread(42, 42, 'main');
  const task = writer.asyncTrack(42, 'task', '0x1', 'order');
  const queue = writer.counterTrack(42, 'queue', 'bytes');
  const region = writer.string('region');
  writer.slice(main, writer.string('inner'), region, 1000, 20, 0);
  const out = [{ id: 5, direction: 'out' }] as const;
  writer.slice(main, writer.string('outer'), region, 900, 300, 1, '{"a":{"b":[1,null,"x",{},[]]}}', out);
  writer.slice(task, writer.string('order'), region, 950, 1, 0, '', [{ id: 5, direction: 'in' }]);
  writer.counter(queue, 2000, 12);
  writer.counter(queue, 3000, -1.5);
  writer.finish();
  return new Uint8Array(Buffer.concat(chunks));
}

const BYTES = sample();
const WHOLE = lines(read(BYTES));

test('chunks may end anywhere', () => {
  expect(WHOLE).toHaveLength(11);
  for (const chunk of [1, 2, 3, 7, 64, 100]) expect(lines(read(BYTES, { chunk }))).toEqual(WHOLE);
});

test('every prefix gives the whole packets before its end, and says where the good part ends', () => {
  let last = 0;
  let longest = 0;
  for (let end = 0; end < BYTES.length; end++) {
    const trace = read(BYTES.subarray(0, end));
    longest = Math.max(longest, trace.length);
    if (trace.error === undefined) last = end;
    else expect([trace.error.code, trace.error.offset]).toEqual(['truncated', last]);
  }
  expect(last).toBeGreaterThan(BYTES.length / 2);
  expect(longest).toBeGreaterThan(3);
});

test('mutated bytes never throw, hang or give arguments that are no JSON', () => {
  const changes = fc.array(fc.tuple(fc.nat(BYTES.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 100 }), (changed, chunk) => {
      const copy = BYTES.slice();
      for (const [at, value] of changed) copy[at] = value;
      const trace = read(copy, { chunk });
      expect(trace.length).toBeLessThan(BYTES.length);
      for (const args of trace.columns.args) if (args !== 0) JSON.parse(trace.strings.text(args));
    }),
    { numRuns: 2000 },
  );
});

test('random bytes in a packet never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 127 }), (noise) => {
      const trace = read(Uint8Array.of(...BYTES, 0x0a, noise.length, ...noise));
      expect(trace.error).toBeUndefined();
      expect(trace.length).toBeGreaterThan(3);
    }),
    { numRuns: 2000 },
  );
});

test('bytes that are no protobuf are named so', () => {
  expect(read(new TextEncoder().encode('\u0007bel')).error?.code).toBe('unknown-format');
  const broken = Uint8Array.of(...BYTES, 0x0f);
  expect([read(broken).error?.code, read(broken).error?.offset]).toEqual(['malformed', BYTES.length]);
});

test('a packet that claims two gigabytes is passed over without being kept', () => {
  const trace = read(Uint8Array.of(...BYTES, 0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3));
  expect(lines(trace)).toEqual(WHOLE);
  expect(trace.skipped.get('packet longer than the limit')).toBe(1);
  expect(trace.error?.code).toBe('truncated');
});

test('annotations nested deeper than the limit are cut', () => {
  let value: Uint8Array = Uint8Array.of(0x20, 1);
  for (let i = 0; i < 5000; i++) {
    const out = new ProtobufOutput(value.length + 32);
    out.raw(12, value);
    value = out.bytes.slice(0, out.at);
  }
  const trace = read(stream(...TRACKS, { 8: 1, 10: 1, 11: { 9: 3, 23: 'deep', 4: value } }));
  expect(trace.length).toBe(1);
  expect(trace.skipped.get('annotation nested too deep')).toBe(1);
  expect(() => JSON.parse(trace.strings.text(trace.columns.args[0]!))).not.toThrow();
});

test('strings past their limit become one name, and events past theirs end reading', () => {
  const events = Array.from({ length: 50 }, (_, i) => ({ 8: i, 10: 1, 11: { 9: 3, 23: `name ${i}` } }));
  const names = stream(...TRACKS, ...events);
  const few = read(names, { maxStrings: 20 });
  expect(few.length).toBe(50);
  expect(few.skipped.get('string past the limit')).toBeGreaterThan(20);
  expect(few.strings.size).toBeLessThanOrEqual(20);
  expect(read(names, { maxEvents: 10 }).error?.code).toBe('limit');
});

test('interned ids may be any number', () => {
  const sparse = [1, 60_000, 2 ** 31, 2 ** 52].map((iid) => ({ 1: iid, 2: `n${iid}` }));
  const events = sparse.map(({ 1: iid }) => ({ 8: 1, 10: 1, 11: { 9: 3, 10: iid } }));
  const trace = read(stream(...TRACKS, { 10: 1, 12: { 2: sparse } }, ...events));
  expect(lines(trace, /^instant/)).toHaveLength(4);
  expect(lines(trace, /^instant/).at(-1)).toContain(`"n${2 ** 52}"`);
});
