/** Formats are told by their first bytes; gzip is taken away, whole, in members or cut off. */
import { deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createJsonWriter, createPerfettoWriter, type Trace, textLines } from './index.ts';
import { createZlibInflater } from './inflate-zlib.ts';
import { type ReadOptions, readTrace } from './read-trace.ts';

const encoder = new TextEncoder();

async function read(bytes: Uint8Array, size = bytes.length, options?: ReadOptions): Promise<Trace> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  return await readTrace(chunks(), options);
}

const twin = (trace: Trace): string => [...textLines(trace)].join('\n');

function written(create: typeof createJsonWriter): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = create({ sink: (bytes) => void parts.push(bytes.slice()) });
  writer.process(1, 'server');
  const track = writer.thread(1, 1, 'main');
  const [name, category] = [writer.string('parse'), writer.string('region')];
  for (let i = 0; i < 500; i++) writer.slice(track, name, category, i * 1000, 500 + (i % 7), i % 3);
  writer.finish();
  return Buffer.concat(parts);
}

const JSON_BYTES = written(createJsonWriter);
const EVENTS = 500;

test('each format is told by its first bytes, and read in chunks of any size, compressed or not', async () => {
  for (const [format, bytes] of [
    ['json', JSON_BYTES],
    ['perfetto', written((options) => createPerfettoWriter(options))],
  ] as const) {
    const expected = await read(bytes);
    expect(expected).toMatchObject({
      format,
      error: undefined,
      skipped: new Map(),
      bytesRead: bytes.length,
    });
    expect([...expected.columns.kind].filter((kind) => kind === 0)).toHaveLength(500);
    for (const size of [1, 2, 3, 7, 1000]) {
      expect(twin(await read(bytes, size))).toBe(twin(expected));
      expect(twin(await read(gzipSync(bytes), size))).toBe(twin(expected));
    }
  }
});

test('names and arguments that begin with a byte order mark keep it', async () => {
  for (const createWriter of [createJsonWriter, createPerfettoWriter]) {
    const chunks: Uint8Array[] = [];
    const writer = createWriter({ sink: (bytes) => chunks.push(bytes.slice()) });
    writer.process(1, '\ufeffshop');
    const thread = writer.thread(1, 1, '\ufeffmain');
    writer.slice(
      thread,
      writer.string('\ufeffname'),
      writer.string('region'),
      5,
      5,
      0,
      '{"text":"\ufeffvalue"}',
    );
    writer.finish();
    const trace = await read(Buffer.concat(chunks));
    const { name, args } = trace.columns;
    expect(trace.tracks.find(({ kind }) => kind === 'thread')?.name).toBe('\ufeffmain');
    expect(trace.strings.text(name[0]!)).toBe('\ufeffname');
    expect(trace.strings.find('\ufeffname')).toBe(name[0]);
    expect(JSON.parse(trace.strings.text(args[0]!))).toEqual({ text: '\ufeffvalue' });
  }
});

test('JSON may begin with a line feed, as a Perfetto packet does', async () => {
  for (const size of [1, 1000]) {
    const trace = await read(encoder.encode('\n[\n{"ph":"i","ts":1}]'), size);
    expect(trace).toMatchObject({ format: 'json', length: 1, error: undefined });
    expect((await read(encoder.encode('\n{"traceEvents":[{"ph":"i","ts":1}]}'), size)).length).toBe(1);
  }
});

test.each([
  ['text', 'hello', 'unknown-format'],
  ['an object without events', '{"nodes":[]}', 'unknown-format'],
  ['nothing', '', 'truncated'],
  ['half of the mark of gzip', '\u001f', 'unknown-format'],
])('%s is refused', async (_, text, code) => {
  const trace = await read(encoder.encode(text));
  expect(trace.length).toBe(0);
  expect(trace.error?.code).toBe(code);
});

test('a gzip file may have several members and zeros behind them', async () => {
  const half = JSON_BYTES.length >> 1;
  const members = [gzipSync(JSON_BYTES.subarray(0, half)), gzipSync(''), gzipSync(JSON_BYTES.subarray(half))];
  const bytes = Buffer.concat([...members, new Uint8Array(100)]);
  for (const size of [1, 13, bytes.length]) {
    expect(await read(bytes, size)).toMatchObject({ length: EVENTS, error: undefined });
  }
  const more = await read(Buffer.concat([gzipSync(JSON_BYTES), encoder.encode('more')]));
  expect(more.length).toBe(EVENTS);
  expect(more.error?.code).toBe('malformed');
});

test('all levels and kinds of deflate blocks decompress', async () => {
  for (const level of [0, 1, 6, 9]) {
    expect(await read(gzipSync(JSON_BYTES, { level }))).toMatchObject({ length: EVENTS, error: undefined });
  }
  // Fixed codes.
  expect(await read(gzipSync(JSON_BYTES, { strategy: 4 }), 5)).toMatchObject({
    length: EVENTS,
    error: undefined,
  });
});

test('a gzip file cut off anywhere gives the events up to there', async () => {
  const bytes = gzipSync(JSON_BYTES);
  const whole = await read(bytes);
  let last = 0;
  for (let end = 1; end < bytes.length; end += 3) {
    const trace = await read(bytes.subarray(0, end));
    expect(trace.error?.code).toBe(end === 1 ? 'unknown-format' : 'truncated');
    expect(trace.length).toBeGreaterThanOrEqual(last);
    expect([...trace.columns.start]).toEqual([...whole.columns.start.subarray(0, trace.length)]);
    last = trace.length;
  }
  expect(last).toBe(EVENTS);
});

test('damaged gzip ends with an error and never with anything else', async () => {
  const bytes = gzipSync(JSON_BYTES);
  for (let at = 2; at < bytes.length; at += 2) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x41;
    const trace = await read(damaged);
    // Name, time and system of the header may be anything.
    if (at >= 10) expect(['malformed', 'truncated', 'limit']).toContain(trace.error?.code);
    expect(trace.length).toBeLessThanOrEqual(EVENTS);
  }
});

test('what the source throws is thrown on', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield encoder.encode('[');
    throw new Error('disk on fire');
  }
  await expect(readTrace(broken())).rejects.toThrow('disk on fire');
});

test('progress counts the bytes of the source, and reading stops at the first error', async () => {
  const seen: number[] = [];
  await read(encoder.encode('[{"ph":}, 1234567890'), 8, { onProgress: (bytes) => void seen.push(bytes) });
  expect(seen).toEqual([8]);
});

test('zlib data decompresses one piece after another, and is refused when it is damaged or too long', () => {
  const inflate = createZlibInflater(1 << 20);
  for (const size of [0, 1, 70_000, 400_000]) {
    const data = new Uint8Array(size).map((_, i) => (i * i) >> 3);
    expect(Buffer.compare(inflate(deflateSync(data)), data)).toBe(0);
  }
  expect(() => inflate(deflateSync(new Uint8Array(2 << 20)))).toThrow(RangeError);
  expect(() => inflate(deflateSync(new Uint8Array(99)).subarray(0, 4))).toThrow(RangeError);
  expect(() => inflate(encoder.encode('no zlib'))).toThrow(RangeError);
  expect(inflate(deflateSync(encoder.encode('still works')))).toEqual(encoder.encode('still works'));
});
