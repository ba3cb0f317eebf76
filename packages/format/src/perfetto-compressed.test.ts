/** Compressed packets are read as if they stood in the file themselves: nothing is lost, doubled or reported. */
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createPerfettoWriter } from './perfetto-writer.ts';
import { readTrace } from './read-trace.ts';
import { textLines } from './text-writer.ts';
import type { Trace } from './trace.ts';

async function written(compress: boolean): Promise<Trace> {
  const chunks: Uint8Array[] = [];
  const sink = (bytes: Uint8Array): void => {
    chunks.push(bytes.slice());
  };
  const writer = createPerfettoWriter(
    compress ? { sink, compress: (bytes) => deflateSync(bytes) } : { sink },
  );
  writer.process(1, 'p');
  const track = writer.thread(1, 1, 'main');
  for (let i = 0; i < 50; i++) {
    writer.slice(track, writer.string(`n${i % 3}`), writer.string('region'), i * 100, 50, 0);
    writer.instant(track, writer.string('tick'), 0, i * 100 + 60, 0);
    writer.flush();
  }
  writer.finish();
  return readTrace(new Blob([Buffer.concat(chunks)]).stream());
}

test('a compressed recording reads as the same trace as an uncompressed one, with nothing skipped', async () => {
  const [plain, compressed] = [await written(false), await written(true)];
  expect(compressed.skipped).toEqual(new Map());
  expect(compressed.length).toBe(100);
  expect([...textLines(compressed)]).toEqual([...textLines(plain)]);
});
