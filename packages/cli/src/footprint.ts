/**
 * Bytes of a trace file by kind of event, measured on the file's own encoding: nothing is read into a model or encoded
 * again. Of a compressed file, and of compressed packets in one, the decompressed bytes are counted. Damage ends it where reading would end.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Failure, fileReason } from './failure.ts';
import { JsonMeter } from './json-meter.ts';
import { PerfettoMeter } from './perfetto-meter.ts';
import { printError } from './print.ts';
import { type FootprintRow, type Meter, REST, Tally } from './tally.ts';
import { TextMeter } from './text-meter.ts';

/** Measures a file. The rows add up to its size, all decompressed. @throws Failure when it cannot be read. */
export async function fileFootprint(file: string): Promise<FootprintRow[]> {
  const tally = new Tally();
  let meter: Meter | undefined;
  let bytes = 0;
  try {
    for await (const chunk of await decompressed(file)) {
      const block = chunk as Uint8Array;
      meter ??= createMeter(block, tally, file);
      meter.push(block);
      bytes += block.length;
    }
  } catch (error) {
    if (error instanceof Failure || bytes === 0) throw failure(file, error);
    printError(`ttrace: counted up to byte ${bytes} of ${file}: ${fileReason(error)}`);
  }
  if (bytes === 0) throw new Failure(`cannot read ${file}: the file is empty`);
  const missing = bytes - tally.bytes;
  if (missing > 0) tally.add(REST, missing, 0);
  return tally.rows();
}

function failure(file: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(`cannot read ${file}: ${fileReason(error)}. Check the path`);
}

async function decompressed(file: string): Promise<Readable> {
  const magic: Uint8Array[] = [];
  for await (const chunk of createReadStream(file, { end: 1 })) magic.push(chunk as Uint8Array);
  const [first, second] = magic.flatMap((chunk) => [...chunk]);
  const source = createReadStream(file, { highWaterMark: 1 << 20 });
  if (first !== 0x1f || second !== 0x8b) return source;
  const unpacked = createGunzip({ chunkSize: 1 << 18 });
  source.once('error', (error) => unpacked.destroy(error));
  return source.pipe(unpacked);
}

function createMeter(start: Uint8Array, tally: Tally, file: string): Meter {
  const head = new TextDecoder().decode(start.subarray(0, 64)).trimStart();
  if (head.startsWith('# ttrace text')) return new TextMeter(tally);
  if (head.startsWith('[') || head.startsWith('{')) return new JsonMeter(tally);
  if (start[0] === 0x0a) return new PerfettoMeter(tally);
  throw new Failure(
    `cannot read ${file}: expected Chrome JSON, Perfetto protobuf, OTLP JSON or text, also as .gz`,
  );
}
