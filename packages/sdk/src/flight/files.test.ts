/** Files of triggers beside those of other processes, which write into the same directory at the same time. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeTriggerFile } from './files.ts';
import { createFlightWindow } from './window.ts';

const FIRED = { trigger: 'error', what: 'RangeError', durationNanos: 0, time: 1, track: undefined };

test('two processes in which a trigger fires in the same millisecond have a file each', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const window = createFlightWindow({ minAgeNanos: 10e9, maxBytes: 1 << 16 });
  const name = (millis: number): string => `flight-20260102-030405-00${millis}-error.json`;
  const now = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  const write = (meanwhile: () => void) =>
    writeTriggerFile(
      {
        window: {
          snapshot: (writer, options) => {
            meanwhile();
            return window.snapshot(writer, options);
          },
        },
        origin: 0n,
        recording: '{}',
      },
      [FIRED],
      { directory, extension: '.json', maxFiles: 10, now },
    );
  const ours = write(() => {
    writeFileSync(join(directory, name(6)), 'theirs');
    writeFileSync(join(directory, name(7)), 'theirs');
  });
  expect(ours).toMatchObject({ file: join(directory, name(8)), error: undefined });
  expect(readdirSync(directory).sort()).toEqual([name(6), name(7), name(8)]);
  expect(readFileSync(join(directory, name(6)), 'utf8')).toBe('theirs');
  expect(readFileSync(ours.file, 'utf8')).not.toBe('theirs');
});
