import { createJsonWriter, readTrace, type Trace } from '@ttrace/format';
import { expect, test } from 'vitest';
import { firedTriggers } from './triggers.ts';

async function traceOf(
  marks: readonly [time: number, args: string][],
  name = 'flight trigger',
): Promise<Trace> {
  const chunks: Uint8Array[] = [];
  const writer = createJsonWriter({ sink: (bytes) => chunks.push(bytes.slice()) });
  const process = writer.process(7, 'node app.js');
  writer.instant(process, writer.string('origin'), 0, 0, 0);
  for (const [time, args] of marks) {
    writer.instant(process, writer.string(name), writer.string('ttrace'), time, 0, args);
  }
  writer.finish();
  return readTrace(
    (async function* () {
      yield* chunks;
    })(),
  );
}

test('the marks of a flight recorder say what fired, when, and for how long that had lasted', async () => {
  const trace = await traceOf([
    [9_000_000, '{"trigger":"error","what":"TypeError"}'],
    [5_000_000, '{"trigger":"block>200ms","what":"render page.js:7","duration_ms":201.5}'],
  ]);
  expect(firedTriggers(trace)).toEqual([
    { trigger: 'block>200ms', what: 'render page.js:7', timeNanos: 5e6, durationNanos: 201_500_000 },
    { trigger: 'error', what: 'TypeError', timeNanos: 9e6, durationNanos: undefined },
  ]);
});

test('a trace of a whole run has none', async () => {
  expect(firedTriggers(await traceOf([[1, '{"trigger":"error"}']], 'my own mark'))).toEqual([]);
  expect(firedTriggers(await traceOf([]))).toEqual([]);
});
