/** Reading through node:zlib gives what @ttrace/format gives by itself, whatever the file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { createJsonWriter, createPerfettoWriter, readTrace, type Trace, textLines } from '@ttrace/format';
import { afterAll, expect, test } from 'vitest';
import { readTraceFile } from './read-trace-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'ttrace-read-'));
const FILE = join(directory, 'trace');
afterAll(() => rmSync(directory, { recursive: true }));

const EVENTS = 2000;

function written(create: typeof createJsonWriter, flushEvery: number): Buffer {
  const parts: Uint8Array[] = [];
  const writer = create({ sink: (bytes) => void parts.push(bytes.slice()) });
  writer.process(1, 'server');
  const track = writer.thread(1, 1, 'main');
  const [name, category] = [writer.string('parse'), writer.string('region')];
  for (let i = 0; i < EVENTS; i++) {
    writer.slice(track, name, category, i * 1000, 500 + ((i * i) % 97), 0, `{"i":${(i * 7919) % 10_007}}`);
    if (i % flushEvery === 0) writer.flush();
  }
  writer.finish();
  return Buffer.concat(parts);
}

const JSON_BYTES = written(createJsonWriter, 100);
const GZIP = gzipSync(JSON_BYTES);

const facts = (trace: Trace) => ({
  events: trace.length,
  error: trace.error && [trace.error.code, trace.error.offset, trace.error.message],
  skipped: [...trace.skipped],
  bytesRead: trace.bytesRead,
  text: [...textLines(trace)].join('\n'),
});

/** Reads the bytes both ways and expects no difference. */
async function bothWays(bytes: Uint8Array): Promise<Trace> {
  writeFileSync(FILE, bytes);
  const trace = await readTraceFile(FILE, true, () => {});
  const own = await readTrace(
    (async function* () {
      for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
    })(),
  );
  expect(facts(trace)).toEqual(facts(own));
  return trace;
}

test('whole files: plain, in gzip, in several members, with zeros behind them', async () => {
  const half = JSON_BYTES.length >> 1;
  const members = [gzipSync(JSON_BYTES.subarray(0, half)), gzipSync(''), gzipSync(JSON_BYTES.subarray(half))];
  for (const bytes of [
    JSON_BYTES,
    GZIP,
    gzipSync(JSON_BYTES, { level: 0 }),
    Buffer.concat(members),
    Buffer.concat([...members, new Uint8Array(1000)]),
  ]) {
    expect(await bothWays(bytes)).toMatchObject({ length: EVENTS, error: undefined });
  }
});

test('bytes behind the last member are an error, whatever they are', async () => {
  for (const tail of [
    'x',
    'more bytes than a header has',
    '\u001f',
    GZIP.subarray(0, 5),
    GZIP.subarray(0, 99),
  ]) {
    const trace = await bothWays(Buffer.concat([GZIP, Buffer.from(tail as string, 'latin1')]));
    expect(trace.length).toBe(EVENTS);
    expect(trace.error).toBeDefined();
  }
});

test('files that are cut off anywhere', async () => {
  for (let end = 0; end < GZIP.length; end += 1 + (GZIP.length >> 6)) {
    expect((await bothWays(GZIP.subarray(0, end))).error).toBeDefined();
  }
  for (const end of [1, 4, 7, 8]) await bothWays(GZIP.subarray(0, GZIP.length - end));
});

test('files with a bit turned anywhere, header and checksum included', async () => {
  for (let at = 0; at < GZIP.length; at += at < 12 || at > GZIP.length - 10 ? 1 : 1 + (GZIP.length >> 6)) {
    const damaged = Buffer.from(GZIP);
    damaged[at]! ^= 1 << (at % 8);
    await bothWays(damaged);
  }
});

test('good gzip around JSON that is cut off or damaged', async () => {
  const damaged = Buffer.from(JSON_BYTES);
  damaged.fill('}', 5000, 5200);
  for (const bytes of [JSON_BYTES.subarray(0, JSON_BYTES.indexOf('"dur"', 9999)), damaged]) {
    expect((await bothWays(gzipSync(bytes))).error).toBeDefined();
  }
});

test('compressed packets, whole and damaged: those that are good are there, the others are counted', async () => {
  const create = (options: Parameters<typeof createJsonWriter>[0]) =>
    createPerfettoWriter({ ...options, compress: (bytes) => deflateSync(bytes) });
  const bytes = written(create, 3);
  expect((await bothWays(bytes)).length).toBe(EVENTS);
  for (let at = 40; at < bytes.length; at += bytes.length >> 6) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x10;
    await bothWays(damaged);
  }
});

test('good gzip is read once, by node:zlib, and progress counts the bytes of the file', async () => {
  const spaces = Buffer.alloc(1 << 20, ' ');
  const bytes = gzipSync(Buffer.concat([JSON_BYTES, spaces]));
  writeFileSync(FILE, bytes);
  const seen: number[] = [];
  const trace = await readTraceFile(FILE, true, (count) => seen.push(count));
  // One call a block that node:zlib hands over; our own decoder would report the one chunk of the file.
  const blocks = Math.ceil((JSON_BYTES.length + spaces.length) / (1 << 18));
  expect(seen).toEqual(Array.from({ length: blocks }, () => bytes.length));
  expect(trace.length).toBe(EVENTS);
});

test('what can be read only once is', async () => {
  writeFileSync(FILE, GZIP);
  const seen: number[] = [];
  expect((await readTraceFile(FILE, false, (count) => seen.push(count))).length).toBe(EVENTS);
  expect(seen).toEqual([GZIP.length]);
});

test('a file that is not there rejects with the system error', async () => {
  await expect(readTraceFile(join(directory, 'none'), true, () => {})).rejects.toThrow('ENOENT');
});
