/** pprof files, read back by the library that has the format and, where PPROF_BIN names it, by the real `go tool pprof`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePprof } from './encode-pprof.ts';
import type { StackProfile } from './stack-profile.ts';

const pprof = process.env.PPROF_BIN ?? '';
if (pprof === '') console.warn('skipped: PPROF_BIN is not set');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ttrace-pprof-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A program in a real file, of which line 2 is slow, and a profile of it. */
function example(): StackProfile {
  const file = join(directory, 'auth.js');
  writeFileSync(file, 'function hash(text) {\n  return slow(text);\n}\nhash("a");\n');
  return {
    valueTypes: [
      { type: 'contentions', unit: 'count' },
      { type: 'delay', unit: 'nanoseconds' },
    ],
    frames: [
      { name: 'hash', file, line: 2 },
      { name: '(anonymous)', file: `file://${file}`, line: 4 },
      { name: 'lock db wait', file: '', line: 0 },
      { name: 'hash', file, line: 3 },
    ],
    samples: [
      { stack: [0, 1], values: [3, 30e6], labels: { thread: 'main', task: 'order', region: '' } },
      { stack: [3, 1], values: [1, 5e6 + 0.4], labels: { thread: 'main', task: '', region: '' } },
      { stack: [2, 1], values: [2, 4e9], labels: { thread: 'worker 1', task: '', region: 'Straße' } },
    ],
    timeNanos: 1_700_000_000_000_000_123n,
    durationNanos: 5e9,
    program: 'node auth.js',
  };
}

test('a file holds the samples with their values and labels, functions once each, and the time', () => {
  const decoded = Profile.decode(gunzipSync(encodePprof(example())));
  const text = (id: number | bigint): string => decoded.stringTable.strings[Number(id)]!;
  expect(decoded.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`)).toEqual([
    'contentions/count',
    'delay/nanoseconds',
  ]);
  expect(text(decoded.periodType!.type)).toBe('contentions');
  expect(decoded.sample.map(({ value }) => value.map(Number))).toEqual([
    [3, 30e6],
    [1, 5e6],
    [2, 4e9],
  ]);
  expect(decoded.sample.map(({ label }) => label.map(({ key, str }) => `${text(key)}=${text(str)}`))).toEqual(
    [['thread=main', 'task=order'], ['thread=main'], ['thread=worker 1', 'region=Straße']],
  );
  expect(decoded.function.map(({ name }) => text(name))).toEqual([
    'hash',
    '(anonymous) auth.js:4',
    'lock db wait',
  ]);
  expect(decoded.location.map(({ line }) => Number(line[0]!.line))).toEqual([2, 4, 0, 3]);
  expect(BigInt(decoded.timeNanos)).toBe(1_700_000_000_000_000_123n);
  expect(Number(decoded.durationNanos)).toBe(5e9);
});

test('a profile of nothing is a file that can be read', () => {
  const decoded = Profile.decode(gunzipSync(encodePprof({ ...example(), frames: [], samples: [] })));
  expect(decoded.sample).toEqual([]);
  expect(decoded.sampleType).toHaveLength(2);
});

describe.skipIf(pprof === '')('go tool pprof', () => {
  const read = (...args: string[]): string => {
    const file = join(directory, 'example.pb.gz');
    writeFileSync(file, encodePprof(example()));
    const { status, stdout, stderr } = spawnSync(pprof, [...args, file], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };

  test('-top adds up functions, and knows program, type and duration', () => {
    const text = read('-top');
    expect(text).toContain('File: node auth.js');
    expect(text).toContain('Type: delay');
    expect(text).toContain('Duration: 5s');
    expect(text).toMatch(/4s +99\.13% +99\.13% +4s +99\.13% +lock db wait/);
    expect(text).toMatch(/0\.04s +0\.87% +100% +0\.04s +0\.87% +hash/);
    expect(text).toMatch(/0 +0% +100% +4\.04s +100% +\(anonymous\) auth\.js:4/);
  });

  test('-top counts as well', () => {
    expect(read('-top', '-sample_index=contentions')).toMatch(/4 66\.67% .+ hash/);
  });

  test('-list shows the source with its figures', () => {
    expect(read('-list=hash')).toMatch(/30ms +30ms +2: +return slow\(text\);/);
  });

  test('-raw has the stacks with their labels', () => {
    const text = read('-raw');
    expect(text).toContain('contentions/count delay/nanoseconds');
    expect(text).toMatch(/2 +4000000000: 3 2/);
    expect(text).toContain('region:[Straße]');
  });

  test('-tagfocus takes the labels', () => {
    expect(read('-top', '-tagfocus=task=order')).toMatch(/0\.03s .+ hash\n/);
    expect(read('-top', '-tagfocus=task=order')).not.toContain('lock db wait');
  });
});
