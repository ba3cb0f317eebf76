/** The text twin: what is written is read back the same, and bad text is refused with its line and byte. */
import { expect, test } from 'vitest';
import { readTrace } from './read-trace.ts';
import { createTextReader, readTextTrace } from './text-reader.ts';
import { TEXT_MAGIC, textLines } from './text-writer.ts';
import { TraceBuilder } from './trace-builder.ts';

const WHOLE = `${TEXT_MAGIC}
origin 123456789000
clock 123456789000 1700000000000.5
meta ttrace_recording {"version":"0.1.0"}
process 12 "server \\"a\\"" sort=3
track 12/12 thread "main" sort=1 dropped=5
track 12 process ""
track a1 async 12 task "0x1a" "order"
track c1 counter 12 "" "queue" unit="bytes"
skipped 2 "unknown phase \\"q\\""
slice 12/12 +0.000001500 0.000000250 region "parse" {"id":17}
slice 12/12 +0.000001600 open - "with space" {}
slice a1 -0.000000100 12.000000000 task "order"
instant 12 +1.000000000 "a b" "line\\nbreak" {"message":"x y"}
counter c1 +0.000000000 -1.5 "queue"
flow-out 12/12 +0.000001500 7 flow "message"
flow-step 12/12 +0.000001501 7 flow "message"
flow-in 12/12 +0.000001502 9007199254740991 flow ""
`;

const written = (text: string): string => `${[...textLines(readTextTrace(text))].join('\n')}\n`;

function errorOf(lines: string): { code: string; offset: number; message: string } | undefined {
  const { error } = readTextTrace(`${TEXT_MAGIC}\n${lines}`);
  return error && { code: error.code, offset: error.offset, message: error.message };
}

test('every kind of line is read and written back the same', () => {
  const trace = readTextTrace(WHOLE);
  expect(trace.error).toBeUndefined();
  expect(trace.length).toBe(8);
  expect(written(WHOLE)).toBe(WHOLE);
});

test('bytes may arrive one at a time', () => {
  const builder = new TraceBuilder();
  const reader = createTextReader(builder);
  for (const byte of new TextEncoder().encode(WHOLE))
    expect(reader.push(Uint8Array.of(byte))).toBeUndefined();
  const trace = builder.finish('text', reader.bytesRead, reader.end());
  expect(`${[...textLines(trace)].join('\n')}\n`).toBe(WHOLE);
});

test('readTrace knows the text by its first byte', async () => {
  const trace = await readTrace(new Blob([WHOLE]).stream());
  expect(trace.format).toBe('text');
  expect(`${[...textLines(trace)].join('\n')}\n`).toBe(WHOLE);
});

test('comments, blank lines, carriage returns and a missing last line end are allowed', () => {
  const text = `${TEXT_MAGIC}\r\n\r\n# note\r\ntrack 1/1 thread ""\r\ninstant 1/1 +0.000000001 - "a"`;
  const trace = readTextTrace(text);
  expect(trace.error).toBeUndefined();
  expect(trace.columns.start[0]).toBe(1);
});

test('times at both ends of the range, parts of a nanosecond and NaN survive', () => {
  const builder = new TraceBuilder();
  const track = builder.threadTrack(1, 1);
  const times = [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0.5, Number.NaN, -1, 1e9];
  for (const time of times) builder.instant(track, 0, 0, time, 0);
  const text = [...textLines(builder.finish('json', 0))].join('\n');
  expect([...readTextTrace(text).columns.start]).toEqual(times);
});

test('line ends inside arguments become spaces', () => {
  const builder = new TraceBuilder();
  builder.instant(builder.threadTrack(1, 1), 0, 0, 0, builder.strings.intern('{\r\n"a":1\n}'));
  const lines = [...textLines(builder.finish('json', 0))];
  expect(lines.at(-1)).toBe('instant 1/1 +0.000000000 - "" { "a":1 }');
});

test('an error that the original ended with is written and comes back', () => {
  const text = `${TEXT_MAGIC}\nerror truncated 17 "the file ends inside an event"\n`;
  expect(readTextTrace(text).error).toMatchObject({ code: 'truncated', offset: 17 });
  expect(written(text)).toBe(text);
});

test('bad text is refused with its line and the byte where the line begins, and the lines before it are kept', () => {
  const good = 'track 1/1 thread ""\nslice 1/1 +0.000000001 0.000000001 - "a"\n';
  const at = TEXT_MAGIC.length + 1 + good.length;
  expect(errorOf(`${good}slice 1/1 now`)).toEqual({
    code: 'malformed',
    offset: at,
    message: `line 4: expected a time like 0.000001500 (seconds), got now (at byte ${at})`,
  });
  expect(readTextTrace(`${TEXT_MAGIC}\n${good}slice 1/1 now`).length).toBe(1);
});

test.each([
  ['slice 9/9 +0.000000001 0.000000001 - "a"', 'track 9/9 is not declared'],
  ['event', '"event" is neither an event nor a header'],
  ['track x thread ""', 'a track is'],
  ['track 1/1 thread "" colour=1', 'colour has no place here'],
  ['track 1/1 thread ""\ninstant 1/1 +0.000000001 - "a" [1]', 'expected {…} as arguments'],
  ['track 1/1 thread ""\ninstant 1/1 +0.000000001 - "a" {"b"', 'expected arguments as JSON'],
  ['track 1/1 thread ""\ninstant 1/1 +0.000000001 - a', 'expected a name in quotes, got "a"'],
  ['origin 1.5', 'expected an origin as an integer, got 1.5'],
  ['process 1', 'expected a name in quotes, got the end of the line'],
  ['process 1 "a" b', 'expected name=value, got "b"'],
  ['error broken 1 "x"', 'broken is no code'],
])('the line %j is refused', (lines, message) => {
  expect(errorOf(lines)?.message).toContain(message);
});

test('a text without the first line is of unknown format, an empty one is truncated, a long line hits the limit', () => {
  expect(readTextTrace('hello').error?.code).toBe('unknown-format');
  expect(readTextTrace('').error?.code).toBe('truncated');
  const reader = createTextReader(new TraceBuilder(), { maxEventBytes: 100 });
  expect(reader.push(new TextEncoder().encode(`${TEXT_MAGIC}\n${'x'.repeat(101)}`))?.code).toBe('limit');
});
