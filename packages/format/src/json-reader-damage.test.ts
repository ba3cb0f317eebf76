/** Damaged, hostile and endless JSON: the good part, one TraceFormatError, bounded memory. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonReader } from './json-reader.ts';
import { EventKind, type Trace } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError } from './trace-format-error.ts';
import type { ReadLimits } from './trace-reader.ts';

const encoder = new TextEncoder();

function read(bytes: Uint8Array, limits?: Partial<ReadLimits>, size = 1 << 20): Trace {
  const builder = new TraceBuilder();
  const reader = new JsonReader(builder, limits);
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  return builder.finish('json', reader.bytesRead, reader.end());
}

const EVENTS = `{"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"é€😀"}},
{"ph":"X","name":"a\\"b\\u00e9","cat":"c","pid":1,"tid":2,"ts":1700000000000000.5,"dur":1.5e1,"args":{"x":[1,{"y":"}"}]}},
{"ph":"B","name":"b","pid":"p","tid":"t","ts":"1700000000000001"}, {"ph":"E","pid":"p","tid":"t","ts":1700000000000002},
{"ph":"b","name":"t","cat":"task","id":"0x1","id2":{"local":"0x5"},"pid":1,"ts":1700000000000003},
{"ph":"s","name":"f","cat":"f","id":7,"pid":1,"tid":2,"ts":1700000000000004},
{"ph":"C","name":"n","pid":1,"ts":1700000000000005,"args":{"a":1,"b":2}},
{"ph":"i","name":"i","pid":1,"tid":2,"ts":1700000000000006,"s":"p","sf":4}`;
const FORMS = {
  array: `[${EVENTS}]`,
  object: `{"otherData":{"v":[1]},"traceEvents":[${EVENTS}],"stackFrames":{"4":{"name":"f"}}}`,
  lines: EVENTS.replaceAll('},\n', '}\n'),
};

/** A row without what a later event may add to it: its duration, its arguments. */
function row(trace: Trace, at: number): string {
  const { kind, start, value, name, category, track } = trace.columns;
  const amount = kind[at] === EventKind.slice ? '' : value[at];
  const place = trace.tracks[track[at]!]!;
  return [
    kind[at],
    // The origin is the first event's in both.
    start[at],
    amount,
    trace.strings.text(name[at]!),
    trace.strings.text(category[at]!),
    place.kind,
    place.pid,
    place.tid,
    place.id,
  ].join(' ');
}

const rows = (trace: Trace): string[] => Array.from({ length: trace.length }, (_, at) => row(trace, at));

describe.each(Object.entries(FORMS))('the %s form', (form, text) => {
  const bytes = encoder.encode(text);
  const whole = read(bytes);

  test('is read whole', () => {
    expect(whole.error).toBeUndefined();
    expect(whole.length).toBe(7);
  });

  test('cut off at any byte gives a prefix of its rows, however it comes in', () => {
    let reached = 0;
    for (let end = 0; end <= bytes.length; end++) {
      const trace = read(bytes.subarray(0, end));
      const own = rows(trace);
      expect(own).toEqual(rows(whole).slice(0, own.length));
      expect(own.length).toBeGreaterThanOrEqual(reached);
      reached = own.length;
      const { error } = trace;
      if (error === undefined) expect(form === 'object' && end < bytes.length, `byte ${end}`).toBe(false);
      else {
        expect(error.code, `byte ${end}`).toBe('truncated');
        expect(error.offset).toBeLessThanOrEqual(end);
        // What lies before the offset is what was read.
        expect(rows(read(bytes.subarray(0, error.offset)))).toEqual(own);
      }
      expect(rows(read(bytes.subarray(0, end), {}, 1))).toEqual(own);
    }
    expect(reached).toBe(whole.length);
  });

  test('with any bytes changed, taken out or put in ends with rows and at most one error', () => {
    const edit = fc.record({
      at: fc.nat(bytes.length - 1),
      remove: fc.nat(4),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc
          .constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '-1', '{"ph":"X"}')
          .map((s) => encoder.encode(s)),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 60 }),
        (edits, size) => {
          let damaged: Uint8Array = bytes;
          for (const { at, remove, insert } of edits) {
            damaged = Buffer.concat([damaged.subarray(0, at), insert, damaged.subarray(at + remove)]);
          }
          const trace = read(damaged);
          expect(trace.length).toBeLessThan(100);
          if (trace.error !== undefined) {
            expect(trace.error).toBeInstanceOf(TraceFormatError);
            expect(trace.error.offset).toBeLessThanOrEqual(damaged.length);
          }
          for (const args of trace.columns.args) {
            if (args !== 0) expect(JSON.parse(trace.strings.text(args))).toBeTypeOf('object');
          }
          for (const text of trace.metadata.values()) JSON.parse(text);
          // The same in other chunks.
          const again = read(damaged, {}, size);
          expect(rows(again)).toEqual(rows(trace));
          expect(again.error?.code).toBe(trace.error?.code);
          expect(again.error?.offset).toBe(trace.error?.offset);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test('random bytes are of unknown format or damaged, and nothing else happens', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('', '[', '{', '[{', '{"traceEvents":[{"'),
      fc.uint8Array({ maxLength: 300 }),
      (head, tail) => {
        const trace = read(Buffer.concat([encoder.encode(head), tail]));
        expect(trace.length).toBeLessThan(300);
        if (trace.error !== undefined) expect(trace.error).toBeInstanceOf(TraceFormatError);
      },
    ),
    { numRuns: 3000 },
  );
});

test.each([
  ['a name', '[{"ph":"i","ts":1},{"name":"'],
  ['arguments', '[{"ph":"i","ts":1},{"args":{"a":"'],
  ['a key of an event', '[{"ph":"i","ts":1},{"'],
  ['a string among the events', '[{"ph":"i","ts":1},"'],
  ['a key beside the events', '{"traceEvents":[{"ph":"i","ts":1}],"'],
  ['the table of frames', '{"traceEvents":[{"ph":"i","ts":1}],"stackFrames":{"a":"'],
])('%s of two gigabytes takes no more memory than the limit', (_, head) => {
  const builder = new TraceBuilder();
  const maxEventBytes = 4 << 20;
  const reader = new JsonReader(builder, { maxEventBytes });
  reader.push(encoder.encode(head));
  const chunk = new Uint8Array(1 << 20).fill(0x61);
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  let error: TraceFormatError | undefined;
  let pushed = 0;
  // A value that is dropped as it comes has no end to wait for: a part of the two gigabytes shows that nothing grows.
  const most = head.includes('stackFrames') ? 100 : 2048;
  for (; pushed < most && error === undefined; pushed++) {
    error = reader.push(chunk);
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }
  if (head.includes('stackFrames')) {
    expect(reader.end()?.code).toBe('truncated');
  } else {
    expect(error?.code).toBe('limit');
    expect(error?.offset).toBeLessThanOrEqual(head.length);
    expect(pushed).toBeLessThanOrEqual(6);
  }
  expect(peak).toBeLessThan(maxEventBytes * 6);
  expect(builder.finish('json', 0).length).toBe(1);
});

test('nesting of 100,000 is refused in events and beside them, nesting within the limit is read', () => {
  for (const head of [
    '[{"ph":"i","ts":1},{"args":',
    '{"traceEvents":[{"ph":"i","ts":1}],"x":',
    '[{"ph":"i","ts":1},',
  ]) {
    for (const bracket of ['[', '{"a":']) {
      const trace = read(encoder.encode(head + bracket.repeat(100_000)), {}, 999);
      expect(trace.error?.code, head).toBe(head.includes('"x"') ? 'truncated' : 'limit');
      expect(trace.length).toBe(1);
      const closing = bracket === '[' ? ']' : '}';
      const closed = read(
        encoder.encode(
          `${head}${bracket.repeat(100_000)}${bracket === '[' ? '' : '1'}${closing.repeat(100_000)}`,
        ),
      );
      expect(closed.error?.code, head).toBe('limit');
    }
  }
  const deep = read(encoder.encode(`[{"ph":"i","ts":1,"args":{"a":${'['.repeat(900)}${']'.repeat(900)}}}]`));
  expect(deep).toMatchObject({ length: 1, error: undefined });
});

test('distinct names past the limit share one name, and arguments past it are left out and counted', () => {
  const builder = new TraceBuilder();
  const maxStrings = 10_000;
  const reader = new JsonReader(builder, { maxStrings });
  const count = 300_000;
  for (let from = 0; from < count; from += 1000) {
    let text = from === 0 ? '[' : '';
    for (let i = from; i < from + 1000; i++)
      text += `{"ph":"i","ts":${i},"name":"name ${i}","args":{"i":${i}}},`;
    reader.push(encoder.encode(text));
  }
  const trace = builder.finish('json', 0, reader.end());
  expect(trace.length).toBe(count);
  expect(trace.error).toBeUndefined();
  expect(trace.strings.size).toBeLessThanOrEqual(maxStrings + 1);
  // Texts, offsets, hashes and slots of 10,000 short strings, however many came.
  expect(trace.strings.byteLength).toBeLessThan(2 << 20);
  expect(trace.strings.text(trace.columns.name[0]!)).toBe('name 0');
  expect(trace.strings.text(trace.columns.name[count - 1]!)).toBe('(other)');
  expect(trace.columns.args[count - 1]).toBe(0);
  expect(trace.skipped.get('arguments past the limit of strings')).toBe(count - (maxStrings - 1) / 2 + 0.5);
});

test('tracks, processes and flows past the limit share one track or are counted', () => {
  const builder = new TraceBuilder({ maxTracks: 100, maxFlows: 50 });
  const reader = new JsonReader(builder);
  reader.push(encoder.encode('['));
  for (let i = 0; i < 1000; i++) {
    reader.push(
      encoder.encode(
        `{"ph":"b","ts":1,"cat":"c","id":${i},"name":"n"},{"ph":"i","ts":1,"pid":${i},"tid":1},` +
          `{"ph":"s","ts":1,"id":${i},"pid":0,"tid":0},{"ph":"M","name":"process_name","pid":${i},"args":{"name":"p"}},`,
      ),
    );
  }
  const trace = builder.finish('json', 0, reader.end());
  expect(trace.error).toBeUndefined();
  expect(trace.tracks).toHaveLength(101);
  expect(trace.tracks[100]?.name).toBe('(other)');
  expect(trace.processes.length).toBeLessThanOrEqual(101);
  expect(trace.columns.kind.filter((kind) => kind === EventKind.flowOut)).toHaveLength(50);
  expect(trace.skipped.get('flow past the limit')).toBe(950);
  expect(trace.length).toBe(2050);
});

test('events past the limit end reading', () => {
  const text = `[${'{"ph":"i","ts":1},'.repeat(100)}]`;
  const trace = read(encoder.encode(text), { maxEvents: 10 });
  expect(trace.error?.code).toBe('limit');
  expect(trace.length).toBe(11);
});

test.each([
  ['[{"ph":"i","ts":1}] more', 20],
  ['[{"ph":"i","ts":1},{"ph" "i"}]', 19],
  ['[{"ph":"i","ts":1},{"args":{"a":01}}]', 19],
  ['[{"ph":"i","ts":1},{"args":{"a":tru}}]', 19],
  ['[{"ph":"i","ts":1},{"args":{"a":"\\x"}}]', 19],
  ['[{"ph":"i","ts":1},{"args":[1}]', 19],
  ['[{"ph":"i","ts":1}:]', 18],
  ['{"traceEvents":[{"ph":"i","ts":1}],"a":[}', 39],
  ['{"traceEvents":[{"ph":"i","ts":1}],5}', 35],
])('%s ends at byte %i', (text, offset) => {
  for (const size of [1, 1000]) {
    const trace = read(encoder.encode(text), {}, size);
    expect(trace.error).toMatchObject({ code: 'malformed', offset });
    expect(trace.length).toBe(1);
  }
});
