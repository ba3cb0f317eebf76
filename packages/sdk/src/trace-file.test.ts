/** What is written arrives, whatever the file is: compressed, a pipe that is read slowly, or one that nobody reads any more. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, constants as zlib } from 'node:zlib';
import { readTrace } from '@ttrace/format';
import { expect, onTestFinished, test } from 'vitest';
import { recordHere } from './recorder-test-kit.ts';
import { trace } from './trace.ts';
import { createTraceFile, type TraceFile } from './trace-file.ts';

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function created(name: string): { path: string; file: TraceFile } {
  const path = join(temporaryDirectory(), name);
  return { path, file: createTraceFile(openSync(path, 'w'), name.endsWith('.gz')) };
}

/** Bytes that do not compress to nothing, different at each place. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) & 0x3f;
  });
}

/** What a reader of an unfinished gzip file gets. */
const unpacked = (path: string): Buffer => gunzipSync(readFileSync(path), { finishFlush: zlib.Z_SYNC_FLUSH });

test('a compressed file holds at each flush all that was written before it, and is whole at the end', () => {
  const { path, file } = created('trace.json.gz');
  const written: Uint8Array[] = [];
  // Below, at, and over the size of a block, none, and several blocks at once.
  for (const length of [1, 100, (256 << 10) - 101, 0, 256 << 10, 1, (256 << 10) + 1, 700_000, 5]) {
    const bytes = noise(length, written.length);
    written.push(bytes.slice());
    file.write(bytes);
    // The caller's buffer is used again.
    bytes.fill(0);
    file.flush();
    expect(unpacked(path).equals(Buffer.concat(written))).toBe(true);
  }
  file.flush();
  file.close();
  expect(file.error).toBeUndefined();
  expect(gunzipSync(readFileSync(path)).equals(Buffer.concat(written))).toBe(true);
});

test("a compressed file's trailer has checksum and length of all its blocks, as gzip itself finds", () => {
  const { path, file } = created('trace.json.gz');
  for (let i = 0; i < 5; i++) file.write(noise(200_000, i));
  file.close();
  expect(spawnSync('gzip', ['--test', path])).toMatchObject({ status: 0 });
  const bytes = readFileSync(path);
  expect(bytes.readUInt32LE(bytes.length - 4)).toBe(1_000_000);
  bytes[bytes.length - 8]! ^= 1;
  writeFileSync(path, bytes);
  expect(spawnSync('gzip', ['--test', path]).status).not.toBe(0);
});

test('a compressed file into which nothing was written is an empty gzip file', () => {
  const { path, file } = created('trace.json.gz');
  file.flush();
  file.close();
  expect(gunzipSync(readFileSync(path))).toHaveLength(0);
});

test('a compressed recording can be read at each flush, whole events and no more', async () => {
  const { path, file } = created('trace.json.gz');
  const recording = recordHere(14, (bytes) => file.write(bytes));
  for (let round = 1; round <= 5; round++) {
    for (let i = 0; i < 3000; i++) trace.withRegion('step', { round }, () => i);
    recording.round();
    file.flush();
    const { length, skipped } = await readTrace(oneChunk(readFileSync(path)));
    expect(length).toBe(round * 3000);
    expect([...skipped]).toEqual([]);
  }
  recording.finish();
  file.close();
  const { length, error } = await readTrace(oneChunk(readFileSync(path)));
  expect([length, error]).toEqual([15_000, undefined]);
});

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A pipe with a reader in a process of its own; the writer's end does not block, as a recording opens it. */
async function pipeTo(reader: string): Promise<{ fd: number; output: Promise<string> }> {
  const pipe = join(temporaryDirectory(), 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  const child = spawn(process.execPath, ['-e', reader, pipe], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = new Promise<string>((resolve) => {
    let text = '';
    child.stdout?.on('data', (data: Buffer) => {
      text += String(data);
    });
    child.once('close', () => resolve(text));
  });
  for (;;) {
    try {
      return { fd: openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK), output };
    } catch (error) {
      // The reader is not there yet.
      expect((error as NodeJS.ErrnoException).code).toBe('ENXIO');
      await sleep(5);
    }
  }
}

test.each([false, true])('a slow reader of a pipe gets every byte, compressed: %s', async (isGzip) => {
  // Reads little at a time, and begins late: the pipe is full most of the time.
  const { fd, output } = await pipeTo(`
    const fs = require('node:fs');
    const fd = fs.openSync(process.argv[1]);
    const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    const chunks = [];
    const buffer = Buffer.alloc(50_000);
    sleep(50);
    for (let count; (count = fs.readSync(fd, buffer)) > 0; sleep(2)) chunks.push(Buffer.from(buffer.subarray(0, count)));
    let bytes = Buffer.concat(chunks);
    if (${isGzip}) bytes = require('node:zlib').gunzipSync(bytes);
    console.log(bytes.length, require('node:crypto').createHash('sha256').update(bytes).digest('hex'));`);
  const file = createTraceFile(fd, isGzip);
  const hash = createHash('sha256');
  for (let i = 0; i < 10; i++) {
    const bytes = noise(99_999, i);
    hash.update(bytes);
    file.write(bytes);
  }
  file.close();
  expect(file.error).toBeUndefined();
  expect(await output).toBe(`999990 ${hash.digest('hex')}\n`);
});

test('a pipe whose reader ends makes one error, after which bytes are thrown away', async () => {
  const { fd, output } = await pipeTo(`
    const fs = require('node:fs');
    const fd = fs.openSync(process.argv[1]);
    fs.readSync(fd, Buffer.alloc(1000));`);
  const file = createTraceFile(fd, false);
  file.write(noise(1000, 1));
  await output;
  file.write(noise(1000, 2));
  const { error } = file;
  expect((error as NodeJS.ErrnoException).code).toBe('EPIPE');
  file.write(noise(1_000_000, 3));
  file.flush();
  file.close();
  expect(file.error).toBe(error);
});

test('a descriptor that cannot be written or closed makes an error, not an exception', () => {
  const path = join(temporaryDirectory(), 'trace.json.gz');
  writeFileSync(path, '');
  const file = createTraceFile(openSync(path, 'r'), true);
  file.write(noise(300_000, 1));
  file.close();
  expect((file.error as NodeJS.ErrnoException).code).toBe('EBADF');
  expect(readFileSync(path)).toHaveLength(0);
});
